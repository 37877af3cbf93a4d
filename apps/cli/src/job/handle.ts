import { usage } from '../option.ts';
import { withExecPath } from '../operator/target.ts';

/** A job or session, and the device that it is on. */
export interface Handle {
  /** `rstrm://NAME[/path]` */
  readonly url: string;
  readonly id: string;
}

/** A handle in one word: `rstrm://NAME#ID`. */
export const handleText = ({ url, id }: Handle): string => `${url}#${id}`;

/** Reads `rstrm://NAME#ID`, or an id with the device given by `--url`. @throws RstreamError `ERR_RSTREAM_USAGE` */
export function parseHandle(text: string | undefined, url: string | undefined): Handle {
  const [, ownUrl, id] = /^(?:([^#]*)#)?([\w-]{1,128})$/.exec(text ?? '') ?? [];
  const device = ownUrl === undefined || ownUrl === '' ? url : ownUrl;
  if (id === undefined || device === undefined) {
    throw usage(
      'Say which job: rstrm://NAME#ID, or --url rstrm://NAME and the id.',
      'List them with: rstream webtty job list --url rstrm://NAME',
    );
  }
  return { url: withExecPath(device, undefined), id };
}
