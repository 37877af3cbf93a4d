import { resolveContext, type ResolvedContext } from '@rstream/config';
import { contextFlags, type GlobalOptions } from '../globals.ts';
import { engineTarget, engineUrl } from '../operator/engine-target.ts';
import { hasOption, optionValue, type ContextArguments } from './arguments.ts';
import { privateTokenFile, type PrivateTokenFile } from './token-file.ts';

/**
 * What the selected context adds to the arguments of the agent, with its token in a file that the caller removes. Nothing of it when
 * the arguments name engine and token themselves.
 * @throws RstreamError when the stored token must not go to the engine that the arguments name, and as `resolveContext`
 */
export async function contextArguments(
  given: readonly string[],
  globals: GlobalOptions,
): Promise<ContextArguments & { readonly token?: PrivateTokenFile }> {
  const own = { engine: undefined, tokenFile: undefined, caFile: undefined, logLevel: globals.logLevel };
  const engine = optionValue(given, '--engine');
  const hasToken = hasOption(given, '--token-file');
  if (hasToken && engine !== undefined) return own;
  const context = await resolveContext({ flags: { ...contextFlags(globals), ...(engine === undefined ? {} : { engine }) } });
  // A file of settings may say all of it.
  if (hasOption(given, '--config') && context.name === undefined && !context.hasToken) return own;
  const address = { ...own, engine: await engineOf(context), caFile: context.transport.tls?.caFile };
  if (hasToken) return address;
  const token = privateTokenFile(context.token);
  return { ...address, tokenFile: token.path, token };
}

async function engineOf(context: ResolvedContext): Promise<string> {
  return context.engine ?? engineUrl(await engineTarget(context));
}
