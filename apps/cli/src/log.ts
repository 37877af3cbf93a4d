import { logLevels, type GlobalOptions } from './globals.ts';

type Level = Exclude<(typeof logLevels)[number], 'none'>;
/** Facts of a log line. Never a token: what has one does not come here. */
export type LogFields = Readonly<Record<string, unknown>>;
export type Logger = Readonly<Record<Level, (message: string, fields?: LogFields) => void>>;

/** Logs to stderr, only with `--verbose`, at `--log-level` and above. */
export function createLogger({ verbose, logLevel = 'info', logFormat }: Pick<GlobalOptions, 'verbose' | 'logLevel' | 'logFormat'>): Logger {
  const lowest = verbose ? logLevels.indexOf(logLevel) : logLevels.length;
  const asText = logFormat === 'text' || (logFormat === 'auto' && process.stderr.isTTY);
  const at =
    (level: Level) =>
    (message: string, fields: LogFields = {}) => {
      if (logLevels.indexOf(level) < lowest) return;
      const time = new Date().toISOString();
      const line = asText
        ? `${time} ${level.padEnd(5)} ${message}${textFields(fields)}`
        : JSON.stringify({ level, time, ...fields, msg: message });
      process.stderr.write(`${line}\n`);
    };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function textFields(fields: LogFields): string {
  const shown = Object.entries(fields).filter(([, value]) => value !== undefined);
  return shown.map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`).join('');
}
