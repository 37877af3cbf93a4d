import { limits } from '@rstream/protocol/limits';
import { defineCommand } from '../../../command.ts';
import { duration, usage } from '../../../option.ts';
import { withOperator } from '../../../operator/with-operator.ts';
import { outputOption, printResult } from '../../../output.ts';
import { sessionOf, sessionOptions } from '../../../session/options.ts';
import { shareLink } from '../../../session/share.ts';

const DEFAULT_TTL_MS = 1_800_000;
const LONGEST_MS = limits.tokens.delegatedTtlMax.default * 1_000;

export const command = defineCommand({
  summary: 'print a link with which a browser looks at a terminal',
  description:
    'Whoever has the link sees this one terminal, and can neither type nor do anything else, until it expires or is taken back with ' +
    'unshare. The device must be published: rstream-agent run --publish.',
  options: {
    ...sessionOptions,
    ttl: duration('--ttl <time>', 'how long the link works, at most 1h (default 30m)'),
    output: outputOption('table'),
  },
  examples: ['rstream webtty sessions share --url rstrm://pi --session ses_4f1c --ttl 30m'],
  async run({ options, globals, signal }) {
    const { url, id: sessionId } = sessionOf(options);
    const { ttl: ttlMs = DEFAULT_TTL_MS, output } = options;
    if (ttlMs > LONGEST_MS) throw usage('--ttl can be one hour at most.', 'Make a new link when this one has expired.');
    const share = await withOperator(globals, (operator) => shareLink(operator, { url, sessionId, ttlMs, signal }));
    await printResult(output, share, () => `${share.link}\nexpires: ${share.expires_at}\nshare: ${share.share_id}`);
  },
});
