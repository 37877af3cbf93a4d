import { RstreamError } from '@rstream/protocol';
import { withExecPath } from '../operator/target.ts';
import type { Operator } from '../operator/operator.ts';
import { deviceAt, type Device } from '../remote-command/device.ts';

/** One of several devices. */
export interface Target {
  /** What it is called in output. */
  readonly name: string;
  readonly device: Device;
}

export interface TargetChoice {
  /** Every online device that takes commands, or those of them that `filter` matches. */
  readonly all: boolean;
  readonly filter: string | undefined;
  readonly urls: readonly string[];
  readonly execPath: string | undefined;
}

/** The devices that a command goes to, in the order of their names or as they were given. @throws RstreamError `ERR_RSTREAM_FAN_OUT_EMPTY` */
export async function chooseTargets(operator: Operator, choice: TargetChoice, signal: AbortSignal): Promise<readonly Target[]> {
  const { all, filter, urls, execPath } = choice;
  if (!all) {
    const unique = [...new Set(urls)];
    return unique.map((url) => ({ name: url.replace(/^rstrm:\/\//i, ''), device: deviceAt(operator, withExecPath(url, execPath)) }));
  }
  const servers = await operator.listWebtty(filter, signal);
  const usable = servers.filter(({ status, capabilities }) => status === 'online' && capabilities.includes('exec'));
  if (usable.length === 0) {
    const which = filter === undefined ? 'No device is online.' : `No online device matches "${filter}".`;
    throw new RstreamError('ERR_RSTREAM_FAN_OUT_EMPTY', which);
  }
  // Names may repeat; the id of the tunnel means one device only.
  return usable
    .map(({ target, rstream_url: url, tunnel_id: id, exec_path: path }) => ({
      name: target,
      device: deviceAt(operator, withExecPath(url, execPath), withExecPath(id, execPath ?? path)),
    }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
