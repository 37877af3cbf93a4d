import { inputRequired, inputResponse, type CallToolResult, type InputRequiredResult } from '@modelcontextprotocol/server';
import { RstreamError } from '@rstream/protocol';
import type { Plan, Tool } from '../tool/define.ts';
import type { Confirmable, ConfirmationKind, Confirmations } from './confirmation.ts';
import { failed } from './result.ts';

/** Key of the one question in an `input_required` result. */
const QUESTION = 'confirmation';

/** How a client can be asked, and what it has answered so far. */
export interface Consent {
  /** The client declared form elicitation: it can ask its user itself. */
  readonly canElicit: boolean;
  /** Answers and state that came back with a repeated request. */
  readonly responses: Record<string, unknown> | undefined;
  readonly state: string | undefined;
  /** The `confirmation` argument of this call. */
  readonly fingerprint: string | undefined;
}

/** The plan of a call that needs the user's word, else `undefined`. */
export async function planOf<Ports>(tool: Tool<Ports>, ports: Ports, input: never, asked: ReadonlySet<string>): Promise<Plan | undefined> {
  if (tool.asks === 'on request' && !asked.has(tool.name)) return undefined;
  if (tool.plan !== undefined) return await tool.plan(ports, input);
  return tool.effect === 'read' ? undefined : { summary: `Run ${tool.title}.`, effects: [tool.description] };
}

/**
 * `undefined` when the user agreed to exactly this call; otherwise what to answer: a question for the client to ask, the plan
 * with a fingerprint for a second call, or the refusal.
 *
 * @throws RstreamError ERR_RSTREAM_CONFIRMATION_INVALID
 */
export function consentTo(
  plan: Plan,
  call: { readonly tool: string; readonly input: unknown },
  consent: Consent,
  confirmations: Confirmations,
): CallToolResult | InputRequiredResult | undefined {
  const of = (kind: ConfirmationKind): Confirmable => ({ kind, ...call });
  if (consent.fingerprint !== undefined) {
    confirmations.redeem(consent.fingerprint, of('call'));
    return undefined;
  }
  const answer = inputResponse(consent.responses, QUESTION);
  if (answer.kind === 'elicit' && consent.state !== undefined) {
    confirmations.redeem(consent.state, of('elicitation'));
    if (answer.action === 'accept' && answer.content?.['confirm'] === true) return undefined;
    return failed(new RstreamError('ERR_RSTREAM_CONFIRMATION_DECLINED'));
  }
  if (consent.canElicit) return question(plan, confirmations.issue(of('elicitation')).fingerprint);
  const { fingerprint, expiresAt } = confirmations.issue(of('call'));
  return failed(
    new RstreamError('ERR_RSTREAM_CONFIRMATION_REQUIRED', `confirmation_required: ${plan.summary}`, {
      details: { status: 'confirmation_required', plan, confirmation: fingerprint, expires_at: expiresAt.toISOString() },
    }),
  );
}

function question(plan: Plan, state: string): InputRequiredResult {
  const message = [plan.summary, ...plan.effects.map((effect) => `- ${effect}`)].join('\n');
  return inputRequired({
    inputRequests: {
      [QUESTION]: inputRequired.elicit({
        message,
        requestedSchema: { type: 'object', properties: { confirm: { type: 'boolean', title: 'Go ahead' } }, required: ['confirm'] },
      }),
    },
    requestState: state,
  });
}
