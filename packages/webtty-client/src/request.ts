import { RstreamError, limits } from '@rstream/protocol';
import { OpenCapability, type MessageOf } from '@rstream/protocol/webtty';

/** A command to run on a device. */
export interface CommandRequest {
  /** Program and arguments. Never a shell string: run `['sh', '-c', text]` when a shell is wanted. */
  readonly argv: readonly string[];
  /** Working directory on the device; the home directory of the agent's user when absent. */
  readonly cwd?: string | undefined;
  /** Variables to add. The device's policy decides which names it takes. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Names to take out of the environment (needs a server of this project). */
  readonly unsetEnv?: readonly string[] | undefined;
  /** Start from an empty environment plus PATH, HOME and the like (needs a server of this project). */
  readonly cleanEnv?: boolean | undefined;
  /** Account name or numeric id on the device; servers of this project take only the agent's own. */
  readonly user?: string | number | undefined;
  /** True when the caller writes to `stdin`; otherwise the command reads an empty one. Default false. */
  readonly stdin?: boolean | undefined;
  /** Running time in ms after which the command is ended with TERM, then KILL. No limit when absent. */
  readonly timeoutMs?: number | undefined;
  /** Wait between TERM and KILL in ms; default `limits.webtty.killGrace`. */
  readonly killGraceMs?: number | undefined;
  /** Bytes of each stream that the device sends; it counts the rest and drops it. No limit when absent. */
  readonly forwardedBytes?: number | undefined;
}

const invalid = (message: string): RstreamError => new RstreamError('ERR_RSTREAM_COMMAND_INVALID', message);

/** The open message of a request. Throws `ERR_RSTREAM_COMMAND_INVALID`. */
export function openMessage(request: CommandRequest): MessageOf<'open'> {
  assertValid(request);
  const { cwd, user } = request;
  return {
    kind: 'open',
    capabilities: [OpenCapability.EXEC_CONTRACT, OpenCapability.OUTPUT_CREDIT],
    config: {
      options: { interactive: request.stdin === true, allocateTty: false, sendHeartbeat: false },
      cmdArgs: request.argv,
      envVars: Object.entries(request.env ?? {}).map(([key, value]) => ({ key, value })),
      ...(cwd === undefined ? {} : { workdir: { value: cwd } }),
      ...(user === undefined ? {} : { username: typeof user === 'number' ? { id: user } : { name: user } }),
      exec: {
        deadlineMs: request.timeoutMs ?? 0,
        killGraceMs: request.killGraceMs ?? 0,
        maxOutputBytes: request.forwardedBytes ?? 0,
        unsetEnv: request.unsetEnv ?? [],
        cleanEnv: request.cleanEnv ?? false,
      },
    },
  };
}

/** Checks the words of a request. Throws `ERR_RSTREAM_COMMAND_INVALID`. */
export function assertTexts({ argv, cwd = '', env = {}, unsetEnv = [] }: Pick<CommandRequest, 'argv' | 'cwd' | 'env' | 'unsetEnv'>): void {
  const texts = [...argv, cwd, ...Object.entries(env).flat(), ...unsetEnv];
  if (argv.length > limits.webtty.arguments.default) {
    throw invalid(`A command takes at most ${limits.webtty.arguments.default} arguments.`);
  }
  if (texts.some((text) => text.includes('\0'))) throw invalid('Arguments, paths and variables cannot hold NUL characters.');
}

function assertValid(request: CommandRequest): void {
  if (request.argv.length === 0 || request.argv[0] === '') throw invalid('A command needs at least the name of a program.');
  assertTexts(request);
  for (const [name, value] of Object.entries({
    timeoutMs: request.timeoutMs,
    killGraceMs: request.killGraceMs,
    forwardedBytes: request.forwardedBytes,
  })) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) throw invalid(`${name} must be a whole number above 0.`);
  }
}
