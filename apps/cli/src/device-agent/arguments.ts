import { usage } from '../option.ts';

/** What the context of this command line adds to the agent's arguments. */
export interface ContextArguments {
  readonly engine: string | undefined;
  readonly tokenFile: string | undefined;
  readonly caFile: string | undefined;
  readonly logLevel: string | undefined;
}

const takesLocalConnections = new Set(['--listen', '--auth-token-file', '--allow-unauthenticated', '--tls-cert-file', '--tls-key-file']);

/** The value of an option in the arguments. */
export function optionValue(args: readonly string[], name: string): string | undefined {
  const at = args.findLastIndex((argument) => argument === name || argument.startsWith(`${name}=`));
  const argument = args[at];
  return argument === name ? args[at + 1] : argument?.slice(name.length + 1);
}

/** True when the arguments hold this option, as `--name VALUE` or `--name=VALUE`. */
export const hasOption = (args: readonly string[], name: string): boolean =>
  args.some((argument) => argument === name || argument.startsWith(`${name}=`));

/**
 * The arguments of `rstream-agent run` for those of `webtty server`. What both call the same goes as it is, and so does everything
 * that is not known here.
 * @throws RstreamError `ERR_RSTREAM_USAGE` for what the agent has no counterpart of
 */
export function agentArguments(given: readonly string[], context: ContextArguments): readonly string[] {
  const local = given.find((argument) => takesLocalConnections.has(argument.replace(/=.*$/s, '')));
  if (local !== undefined) {
    throw usage(`${local} is for a server that listens by itself; the device opens its tunnel outwards instead.`, 'Leave it out.');
  }
  const added = Object.entries({
    '--engine': context.engine,
    '--token-file': context.tokenFile,
    '--ca-file': context.caFile,
    '--log-level': context.logLevel,
  }).flatMap(([name, value]) => (value === undefined || hasOption(given, name) ? [] : [name, value]));
  return ['run', ...added, ...given];
}
