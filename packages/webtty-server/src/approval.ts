import { limits } from '@rstream/protocol';
import { ownAccount } from './account.ts';
import { askProgram, type Answer } from './ask-program.ts';
import type { Caller } from './caller.ts';
import { standardPath } from './executable.ts';

/** What can need an approval: starting a command, or giving input to a terminal. */
export type Approvable = 'command' | 'write';

/** A program of the device that says yes with exit code 0. */
export interface ApprovalHook {
  /** Absolute path of the program, then its arguments. */
  readonly command: readonly string[];
  readonly when: Approvable | 'both';
  /** Default `limits.webtty.approvalTimeout`; no answer by then is a no. */
  readonly timeoutMs?: number | undefined;
}

/** What the program is told, and nothing else: no variable of the command among it. */
export interface ApprovalRequest {
  readonly what: Approvable;
  readonly argv: readonly string[];
  readonly cwd: string;
  /** Account that the command runs as. */
  readonly user: string;
  readonly terminal: boolean;
  readonly caller: Caller;
}

/** The answer. `message` is for the client: it says why not. */
export type Approval = { readonly approved: true } | { readonly approved: false; readonly message: string };

/** The part of a policy that this is about. */
export interface ApprovalPolicy {
  readonly approve?: ApprovalHook | undefined;
}

/** True when the policy has a program to ask about this. */
export function needsApproval({ approve: hook }: ApprovalPolicy, what: Approvable): boolean {
  return hook !== undefined && (hook.when === what || hook.when === 'both');
}

/**
 * Asks the program of the policy, if it is to be asked. Never rejects: a program that cannot be started, crashes or takes too long
 * says no, and so does an aborted `signal`.
 */
export async function approve(policy: ApprovalPolicy, request: ApprovalRequest, signal?: AbortSignal): Promise<Approval> {
  const hook = policy.approve;
  if (hook === undefined || !needsApproval(policy, request.what)) return { approved: true };
  const { home, user } = ownAccount();
  const answer = await askProgram(hook.command, {
    env: { PATH: standardPath, LANG: 'C.UTF-8', HOME: home, USER: user, LOGNAME: user },
    input: `${JSON.stringify(jsonOf(request))}\n`,
    timeoutMs: hook.timeoutMs ?? limits.webtty.approvalTimeout.default,
    keepBytes: limits.webtty.approvalOutput.default,
    signal,
  });
  if (answer.outcome === 'exited' && answer.code === 0) return { approved: true };
  return { approved: false, message: messageOf(answer, request.what) };
}

function messageOf({ outcome, code, output }: Answer, what: Approvable): string {
  const asked = what === 'command' ? 'this command' : 'input to this terminal';
  if (outcome === 'late') return `The approval of ${asked} did not come in time.`;
  if (outcome === 'aborted') return `The approval of ${asked} was given up.`;
  if (outcome === 'not started' || code === null) return `The approval of ${asked} failed: the device's approval program did not finish.`;
  const reason = reasonIn(output);
  return `The approval of ${asked} was denied${reason === '' ? '.' : `: ${reason}`}`;
}

/** The last line that says something, without anything that a terminal would act on. */
function reasonIn(output: string): string {
  const lines = output.split(/[\r\n]+/).map((line) => line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '').trim());
  return lines.findLast((line) => line !== '')?.slice(0, limits.webtty.approvalReason.default) ?? '';
}

function jsonOf({ what, argv, cwd, user, terminal, caller }: ApprovalRequest): Readonly<Record<string, unknown>> {
  const { userId: user_id, credentialId: credential_id, sourceIp: source_ip, streamId: stream_id } = caller;
  return { version: 1, what, argv, cwd, user, terminal, caller: { user_id, credential_id, source_ip, stream_id } };
}
