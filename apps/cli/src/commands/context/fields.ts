import { readTokenFile, type ContextChange } from '@rstream/config';
import { parseEngine } from '@rstream/tunnel-core';
import { flag, text, usage, type OptionSpec, type OptionValues } from '../../option.ts';
import { readTokenFromStdin } from '../../stdin.ts';

const apiUrl: OptionSpec<string | false | undefined> = {
  flags: ['--api-url <url>', '--no-api-url'],
  about: 'control plane of the context; --no-api-url: none, the engine is all there is',
  fallback: undefined,
};

/** The options that `context create` and `context update` share. */
export const contextFields = {
  engine: text('--engine <host:port>', 'engine of the project'),
  apiUrl,
  projectEndpoint: text('--project-endpoint <endpoint>', 'endpoint of the project, 8 hexadecimal characters'),
  tokenFile: text('--token-file <file>', 'read the token from this file (0600) and store it'),
  tokenStdin: flag('--token-stdin', 'read the token from stdin and store it'),
  engineTlsCaFile: text('--engine-tls-ca-file <file>', 'certificate authority of the engine, PEM'),
};

/** Turns the options into a change. The token is stored inline in the configuration file, which only its owner can read. */
export async function contextChange(options: OptionValues<typeof contextFields>, signal: AbortSignal): Promise<ContextChange> {
  const { engine, projectEndpoint, tokenFile, tokenStdin, engineTlsCaFile } = options;
  if (tokenFile !== undefined && tokenStdin) throw usage('--token-file and --token-stdin exclude each other.');
  const token = tokenFile !== undefined ? await readTokenFile(tokenFile) : tokenStdin ? await readTokenFromStdin(signal) : undefined;
  return {
    ...(engine === undefined ? {} : { engine: checkedEngine(engine) }),
    ...(options.apiUrl === undefined ? {} : { apiUrl: options.apiUrl === false ? null : options.apiUrl }),
    ...(projectEndpoint === undefined ? {} : { projectEndpoint }),
    ...(token === undefined ? {} : { token }),
    ...(engineTlsCaFile === undefined ? {} : { caFile: engineTlsCaFile }),
  };
}

function checkedEngine(engine: string): string {
  parseEngine(engine);
  return engine;
}
