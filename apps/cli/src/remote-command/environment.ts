import { usage } from '../option.ts';

/** The variables of `--env`: `KEY=VALUE` sets, `KEY` copies; a variable that is not set here is left out. */
export function environment(pairs: readonly string[]): Record<string, string> {
  const entries = pairs.map((pair): [string, string | undefined] => {
    const at = pair.indexOf('=');
    return at > 0 ? [pair.slice(0, at), pair.slice(at + 1)] : [pair, process.env[pair]];
  });
  if (entries.some(([name]) => name === '' || name.includes('='))) throw usage('--env takes KEY=VALUE or KEY.');
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
