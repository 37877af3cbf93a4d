import { text, usage, type OptionValues } from '../option.ts';
import { withExecPath } from '../operator/target.ts';

/** How the verbs of a session name it. */
export const sessionOptions = {
  url: text('--url <url>', 'the device: rstrm://NAME'),
  session: text('--session <id>', 'the session, as in the list'),
};

/** @throws RstreamError `ERR_RSTREAM_USAGE` */
export function sessionOf({ url, session }: OptionValues<typeof sessionOptions>): { readonly url: string; readonly id: string } {
  if (url === undefined || session === undefined) {
    throw usage('Say which session: --url rstrm://NAME --session ID', 'List them with: rstream webtty sessions list --url rstrm://NAME');
  }
  return { url: withExecPath(url, undefined), id: session };
}
