import { realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { resolveContext } from '@rstream/config';
import { RstreamError } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';
import { defineCommand } from '../command.ts';
import { atLocal } from '../files/local-error.ts';
import { shareLine, shareText, type ShareAccess } from '../files/share/announce.ts';
import { hiddenNames } from '../files/share/hidden.ts';
import { sharePassword } from '../files/share/password.ts';
import { createShare } from '../files/share/share.ts';
import { propertyOptions, tunnelProperties } from '../forward/properties.ts';
import { runForward, type ForwardStatus } from '../forward/run-forward.ts';
import { contextFlags, type GlobalOptions } from '../globals.ts';
import { createLogger } from '../log.ts';
import { choice, duration, flag, repeated, text, toggle, usage, type OptionValues } from '../option.ts';
import { mintTunnelToken } from '../operator/tunnel-token.ts';
import { withOperator } from '../operator/with-operator.ts';

const LONGEST_LINK_MS = limits.tokens.delegatedTtlMax.default * 1000;
/** A link is printed anew when this part of its life is over. */
const RENEW_AFTER = 0.9;

/** What is shared: a folder, or a file by its folder and name. A link that is named is followed; what it leads to is shared. */
async function sharedAt(path: string): Promise<{ name: string; root: string; file: string | undefined }> {
  return atLocal(path, async () => {
    const real = await realpath(path);
    const stats = await stat(real);
    if (stats.isDirectory()) return { name: basename(real) || real, root: real, file: undefined };
    if (!stats.isFile()) throw new RstreamError('ERR_RSTREAM_FILE_KIND', `${path} is neither a file nor a folder.`);
    return { name: basename(real), root: dirname(real), file: basename(real) };
  });
}

/** The address with a token that opens this share and nothing else. Without the right to make one, people bring their own. */
async function linkFor(
  globals: GlobalOptions,
  { forwarding, tunnel_id }: ForwardStatus,
  ttlMs: number,
  signal: AbortSignal,
): Promise<Pick<ShareAccess, 'link' | 'expires_at'>> {
  if (forwarding === undefined || tunnel_id === undefined) return {};
  try {
    const request = { tunnelId: tunnel_id, ttlSeconds: Math.ceil(ttlMs / 1000) };
    const minted = await withOperator(globals, (operator) => mintTunnelToken(operator, request, signal));
    const link = new URL('/', forwarding);
    link.searchParams.set('rstream.token', minted.token);
    return { link: link.href, expires_at: minted.expires_at };
  } catch (error) {
    createLogger(globals).warn('no link could be made', { code: RstreamError.is(error) ? error.code : 'INTERNAL' });
    return {};
  }
}

const { name, host, label } = propertyOptions;
const options = {
  name,
  host,
  label,
  tokenAuth: toggle('token-auth', 'visitors need a token: the link has one (the default without a password)'),
  expires: duration('--expires <duration>', 'life of a link (1h, the longest); a new one is printed before it ends'),
  password: flag('--password', 'visitors need a password, which is made up and printed once'),
  passwordFile: text('--password-file <file>', 'visitors need the password in this file, which only you can read'),
  username: choiceOfName(),
  includeHidden: flag('--include-hidden', 'also what begins with a dot'),
  exclude: repeated('--exclude <glob>', 'neither these files nor folders, in any case of letters; repeatable'),
  output: choice('-o, --output <mode>', ['text', 'json'], { about: 'how to show what happens', fallback: 'text' }),
};

function choiceOfName() {
  return { ...text('--username <name>', 'user name that goes with the password (rstream)'), fallback: 'rstream' };
}

async function run(path: string, given: OptionValues<typeof options>, globals: GlobalOptions, signal: AbortSignal): Promise<void> {
  const shared = await sharedAt(path);
  const credential = await sharePassword(given);
  const tokenAuth = given.tokenAuth ?? credential === undefined;
  if (!tokenAuth && credential === undefined)
    throw new RstreamError('ERR_RSTREAM_USAGE', 'A share is protected by a token or a password.', {
      next: 'Add --password, or leave --no-token-auth out.',
    });
  const hides = hiddenNames({ only: shared.file, includeHidden: given.includeHidden || shared.file !== undefined, exclude: given.exclude });
  const share = createShare({ ...shared, hides, credential });
  const print = given.output === 'json' ? shareLine : shareText;
  if (given.expires !== undefined && given.expires > LONGEST_LINK_MS)
    throw usage('A link lives for an hour at most.', 'A new one is printed before it ends.');
  const ttlMs = given.expires ?? LONGEST_LINK_MS;
  let announced: Promise<unknown> | undefined;
  let renewal: NodeJS.Timeout | undefined;
  const announce = async (status: ForwardStatus): Promise<void> => {
    const link = tokenAuth ? await linkFor(globals, status, ttlMs, signal) : {};
    const access = { ...link, ...(credential === undefined ? {} : { credential }), showsPassword: given.password };
    if (!signal.aborted) process.stdout.write(print(status, access));
    if (link.link !== undefined && !signal.aborted) renewal = setTimeout(() => void announce(status), ttlMs * RENEW_AFTER).unref();
  };
  try {
    const error = await runForward({
      context: await resolveContext({ flags: contextFlags(globals) }),
      own: { name: path, handler: share.handler },
      properties: shareProperties(given, tokenAuth),
      signal,
      onStatus(status) {
        if (status.status === 'online' && announced === undefined) announced = announce(status);
        else process.stdout.write(print(status, undefined));
      },
    });
    await announced;
    // Ctrl-C is how a share ends: that is success.
    if (error !== undefined && !signal.aborted) throw error;
  } finally {
    clearTimeout(renewal);
    await share.close();
  }
}

function shareProperties({ name: tunnelName, host: hostname, label: labels }: OptionValues<typeof options>, tokenAuth: boolean) {
  const nothing = Object.fromEntries(Object.entries(propertyOptions).map(([key, spec]) => [key, spec.fallback])) as OptionValues<
    typeof propertyOptions
  >;
  return tunnelProperties({ ...nothing, name: tunnelName, host: hostname, label: labels, http: true, ...(tokenAuth ? { tokenAuth } : {}) });
}

export const command = defineCommand({
  summary: 'share a file or a folder with people, read-only',
  description:
    'A page with listing, preview, search and ZIP under a URL of its own, until Ctrl-C. Visitors need the token that the printed link ' +
    'holds, or a password. What begins with a dot is left out, and nothing outside the folder can be reached.',
  arguments: [{ name: '[path]', about: 'file or folder (.)' }],
  options,
  examples: ['rstream files report.pdf', 'rstream files photos --password --exclude "*.raw"', 'rstream files . --expires 10m -o json'],
  async run({ args: [path = '.'], options: given, globals, signal }) {
    await run(path, given, globals, signal);
  },
});
