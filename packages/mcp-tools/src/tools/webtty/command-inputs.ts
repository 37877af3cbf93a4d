import * as z from 'zod';
import type { RemoteCommand } from '../../ports.ts';
import { pairs, text } from '../../tool/inputs.ts';

/** Inputs of every tool that runs a command on a device. */
export const commandInputs = {
  url: z.string().min(1).max(1024).describe('rstream_url of the device, e.g. rstrm://name.'),
  command: z.array(z.string().max(131_072)).min(1).max(1024).describe('Argument vector; no shell is involved.'),
  exec_path: text(256),
  workdir: text(4096),
  env: pairs('K=V strings.').optional(),
  user: text(64),
};

type CommandInputs = z.output<z.ZodObject<typeof commandInputs>>;

/** The command of these inputs, as ports take it. */
export function commandOf({ url, command, exec_path: execPath, workdir, env, user }: CommandInputs): RemoteCommand {
  return {
    url,
    command,
    ...(execPath === undefined ? {} : { execPath }),
    ...(workdir === undefined ? {} : { workdir }),
    ...(env === undefined ? {} : { env }),
    ...(user === undefined ? {} : { user }),
  };
}
