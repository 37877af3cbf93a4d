import { limits, RstreamError } from '@rstream/protocol';
import { OpenCapability, type MessageOf, type TerminalSize } from '@rstream/protocol/webtty';
import { assertTexts, type CommandRequest } from './request.ts';

/** Size of a viewer in characters, and in pixels where it knows. */
export interface TerminalViewport {
  readonly rows: number;
  readonly columns: number;
  readonly pixelHeight?: number | undefined;
  readonly pixelWidth?: number | undefined;
}

/** A terminal to open on a device. */
export interface TerminalRequest extends TerminalViewport, Pick<CommandRequest, 'cwd' | 'env' | 'user' | 'killGraceMs'> {
  /** Program and arguments; the login shell of the device's account when absent or empty. */
  readonly argv?: readonly string[] | undefined;
  /** Ask for a recording on the device. */
  readonly record?: boolean | undefined;
  /** What the viewer understands, as terminfo calls it; default `xterm-256color`. */
  readonly term?: string | undefined;
}

const invalid = (message: string): RstreamError => new RstreamError('ERR_RSTREAM_COMMAND_INVALID', message);

/** The open message of a request. Throws `ERR_RSTREAM_COMMAND_INVALID`. */
export function openTerminalMessage(request: TerminalRequest): MessageOf<'open'> {
  const { argv = [], cwd, env = {}, user, term = 'xterm-256color' } = request;
  assertTexts({ argv, cwd, env });
  const { terminalSize } = sizeMessage(request);
  const variables = { ...env, TERM: term };
  return {
    kind: 'open',
    capabilities: [OpenCapability.EXEC_CONTRACT, OpenCapability.OUTPUT_CREDIT],
    config: {
      options: { interactive: true, allocateTty: true, sendHeartbeat: true },
      cmdArgs: argv,
      envVars: Object.entries(variables).map(([key, value]) => ({ key, value })),
      ...(cwd === undefined ? {} : { workdir: { value: cwd } }),
      ...(user === undefined ? {} : { username: typeof user === 'number' ? { id: user } : { name: user } }),
      exec: { deadlineMs: 0, killGraceMs: request.killGraceMs ?? 0, maxOutputBytes: 0, unsetEnv: [], cleanEnv: false },
      ...(terminalSize === undefined ? {} : { terminalSize }),
      ...(request.record === true ? { session: { detached: false, resumeMs: 0, label: '', record: true } } : {}),
    },
  };
}

/** The message that carries a size. Throws `ERR_RSTREAM_COMMAND_INVALID`. */
export function sizeMessage({ rows, columns, pixelWidth = 0, pixelHeight = 0 }: TerminalViewport): MessageOf<'parameter'> {
  const most = limits.webtty.terminalSide.default;
  for (const side of [rows, columns]) {
    if (!Number.isSafeInteger(side) || side < 1 || side > most) throw invalid(`A terminal has 1 to ${most} rows and columns.`);
  }
  return { kind: 'parameter', terminalSize: { row: rows, col: columns, xpixel: pixelWidth, ypixel: pixelHeight } };
}

/** A size as viewers know it. */
export function viewportOf({ row, col, xpixel, ypixel }: TerminalSize): TerminalViewport {
  return { rows: row, columns: col, pixelWidth: xpixel, pixelHeight: ypixel };
}
