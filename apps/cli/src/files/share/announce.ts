import type { ForwardStatus } from '../../forward/run-forward.ts';
import { printable } from '../../output.ts';
import type { BasicCredential } from '../gateway/access.ts';

/** How visitors get in. */
export interface ShareAccess {
  /** The address with a token in it: whoever has it gets in. */
  readonly link?: string;
  readonly expires_at?: string;
  readonly credential?: BasicCredential;
  /** False for a password that the person chose: it is known, and not printed. */
  readonly showsPassword: boolean;
}

/** One change of a share, as `-o json` prints it on a line of its own. */
export function shareLine(status: ForwardStatus, access: ShareAccess | undefined): string {
  const { credential, showsPassword = false, link, expires_at } = access ?? {};
  return `${JSON.stringify({
    ...status,
    ...(status.status === 'online' ? { url: status.forwarding } : {}),
    ...(link === undefined ? {} : { link, expires_at }),
    ...(credential === undefined ? {} : { username: credential.username }),
    ...(credential === undefined || !showsPassword ? {} : { password: credential.password }),
  })}\n`;
}

/** The same for people: all of it when it is there, and a line when something changes. */
export function shareText(status: ForwardStatus, access: ShareAccess | undefined): string {
  if (status.status !== 'online') return status.error === undefined ? '' : `${printable(status.status)}\n`;
  if (access === undefined) return 'online again\n';
  const { credential, showsPassword, link, expires_at } = access;
  const lines = [
    `sharing   ${printable(status.forwarded)} (read-only; Ctrl-C ends it)`,
    `url       ${status.forwarding ?? ''}`,
    ...(link === undefined ? [] : [`link      ${link}`, `expires   ${expires_at ?? ''}`]),
    ...(credential === undefined ? [] : [`username  ${credential.username}`]),
    ...(credential !== undefined && showsPassword ? [`password  ${credential.password}`] : []),
  ];
  return `${lines.join('\n')}\n`;
}
