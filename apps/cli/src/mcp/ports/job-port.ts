import type { CallOptions, JobPort } from '@rstream/mcp-tools';
import { cancelJob } from '../../job/cancel.ts';
import { parseHandle } from '../../job/handle.ts';
import { listJobs } from '../../job/info.ts';
import { readOutput } from '../../job/read.ts';
import { start } from '../../job/start.ts';
import { withExecPath } from '../../operator/target.ts';
import { accountOf } from '../../remote-command/request.ts';
import { deviceAt, type Device } from '../../remote-command/device.ts';
import type { Operators } from './operators.ts';

/** Jobs over the shared session with the relay. */
export function jobPort(operators: Operators): JobPort {
  const device = async (url: string, { project }: CallOptions): Promise<Device> =>
    deviceAt(await operators.for(project), withExecPath(url, undefined));
  const jobOf = async (handle: string, options: CallOptions): Promise<[Device, string]> => {
    const { url, id } = parseHandle(handle, undefined);
    return [await device(url, options), id];
  };
  return {
    async start({ url, command: argv, execPath, workdir: cwd, env, user, label, timeoutMs }, options) {
      const request = { argv, cwd, env, user: accountOf(user), timeoutMs };
      return start(await device(withExecPath(url, execPath), options), request, { label, signal: options.signal });
    },
    async list(url, options) {
      return listJobs(await device(url, options), options.signal);
    },
    async read(handle, request, options) {
      const [on, id] = await jobOf(handle, options);
      return readOutput(on, id, { ...request, signal: options.signal });
    },
    async cancel(handle, options) {
      const [on, id] = await jobOf(handle, options);
      return cancelJob(on, id, options.signal);
    },
  };
}
