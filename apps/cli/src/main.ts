import { RstreamError, productVersion, toRstreamError } from '@rstream/protocol';
import { printError, wantsJson } from './report.ts';

/** Exit codes of the command line; `webtty exec` adds those of the remote command. */
export const exitCodes = { ok: 0, failure: 1, usage: 2, interrupted: 130, terminated: 143 } as const;

/**
 * Runs the command line and resolves to its exit code. Errors end on stderr, as text or, with `-o json`, as one JSON object.
 * @param argv arguments without node and script
 */
export async function main(argv: readonly string[]): Promise<number> {
  // A reader such as `head` that closes the pipe is no failure of ours.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.failure);
  });
  // The version is asked for by scripts and editors: it is answered before the parser is loaded.
  if (argv.length === 1 && argv[0] === '--version') {
    process.stdout.write(`${productVersion}\n`);
    return exitCodes.ok;
  }
  const controller = new AbortController();
  try {
    const { parseCommandLine } = await import('./program.ts');
    const parsed = await parseCommandLine(argv);
    if (parsed === undefined) return exitCodes.ok;
    const { definition, args, options, globals } = parsed;
    if (definition.signals !== 'own') handleSignals(controller);
    return (await definition.run({ args, options, globals, signal: controller.signal })) ?? exitCodes.ok;
  } catch (error) {
    if (controller.signal.aborted) return controller.signal.reason === 'SIGTERM' ? exitCodes.terminated : exitCodes.interrupted;
    const report = toRstreamError(error);
    printError(report, { json: wantsJson(argv), cause: RstreamError.is(error) ? undefined : error });
    return report.code === 'ERR_RSTREAM_USAGE' ? exitCodes.usage : exitCodes.failure;
  }
}

/** The first signal asks the command to stop; the second one does not wait for it. */
function handleSignals(controller: AbortController): void {
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(name === 'SIGTERM' ? exitCodes.terminated : exitCodes.interrupted);
      controller.abort(name);
    });
  }
}
