/**
 * Tools of the workstation: contexts, devices, local tunnels. Needs the ports of `RuntimePorts`.
 *
 * @module
 */
import type { RuntimePorts } from './ports.ts';
import type { Tool } from './tool/define.ts';
import { contextGet } from './tools/context/get.ts';
import { contextList } from './tools/context/list.ts';
import { localTunnelExpose } from './tools/local-tunnel/expose.ts';
import { localTunnelList } from './tools/local-tunnel/list.ts';
import { localTunnelStop } from './tools/local-tunnel/stop.ts';
import { runtimeStatus } from './tools/runtime/status.ts';
import { webttyExec } from './tools/webtty/exec.ts';
import { webttyFsDelete } from './tools/webtty-fs/delete.ts';
import { webttyFsDownload } from './tools/webtty-fs/download.ts';
import { webttyFsList } from './tools/webtty-fs/list.ts';
import { webttyFsMkdir } from './tools/webtty-fs/mkdir.ts';
import { webttyFsRead } from './tools/webtty-fs/read.ts';
import { webttyFsUpload } from './tools/webtty-fs/upload.ts';
import { webttyFsWrite } from './tools/webtty-fs/write.ts';
import { webttyJobCancel } from './tools/webtty/job-cancel.ts';
import { webttyJobList } from './tools/webtty/job-list.ts';
import { webttyJobRead } from './tools/webtty/job-read.ts';
import { webttyJobStart } from './tools/webtty/job-start.ts';
import { webttyList } from './tools/webtty/list.ts';

/** Every tool that the workstation offers. */
export const runtimeTools: readonly Tool<RuntimePorts>[] = [
  runtimeStatus,
  contextList,
  contextGet,
  webttyList,
  webttyExec,
  webttyJobStart,
  webttyJobList,
  webttyJobRead,
  webttyJobCancel,
  webttyFsList,
  webttyFsRead,
  webttyFsWrite,
  webttyFsMkdir,
  webttyFsDelete,
  webttyFsUpload,
  webttyFsDownload,
  localTunnelExpose,
  localTunnelList,
  localTunnelStop,
];
