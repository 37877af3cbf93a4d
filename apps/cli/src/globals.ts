import type { ContextFlags } from '@rstream/config';
import { choice, flag, optionalChoice, text, type OptionValues } from './option.ts';

export const logLevels = ['debug', 'info', 'warn', 'error', 'none'] as const;

/** Options that every command takes, before or after its name. */
export const globalOptions = {
  config: text('--config <file>', 'configuration file (RSTREAM_CONFIG; default ~/.rstream/config.yaml)'),
  context: text('--context <name>', 'context to use (RSTREAM_CONTEXT; default: the default context)'),
  apiUrl: text('--api-url <url>', 'control plane to use (RSTREAM_API_URL)'),
  verbose: flag('-v, --verbose', 'log to stderr'),
  logLevel: optionalChoice('-l, --log-level <level>', logLevels, 'lowest level that --verbose logs (info)'),
  logFormat: choice('-f, --log-format <format>', ['auto', 'json', 'text'], {
    about: 'auto is text on a terminal, else json',
    fallback: 'auto',
  }),
} as const;

export type GlobalOptions = OptionValues<typeof globalOptions>;

/** The global options that select a context, as `resolveContext` takes them. */
export function contextFlags({ config, context, apiUrl }: GlobalOptions): ContextFlags {
  return {
    ...(config === undefined ? {} : { config }),
    ...(context === undefined ? {} : { context }),
    ...(apiUrl === undefined ? {} : { apiUrl }),
  };
}
