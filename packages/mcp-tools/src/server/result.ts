import type { CallToolResult, ContentBlock } from '@modelcontextprotocol/server';
import { RstreamError, toRstreamError, type ErrorReport } from '@rstream/protocol';
import { mcpLimits } from '@rstream/protocol/limits';
import type * as z from 'zod';
import type { Outcome } from '../tool/define.ts';
import { fit, headAndTail } from './fit.ts';

/**
 * A finished call. Text and `structuredContent` say exactly the same, because some clients show their model only one of the two;
 * only declared fields leave the process.
 */
export function finished(outcome: Outcome<Readonly<Record<string, unknown>>>, output: z.ZodObject): CallToolResult {
  const data = fit(output.parse(outcome.data), outcome.maxBytes ?? mcpLimits.resultBytes.default);
  const links = (outcome.links ?? []).map((link): ContentBlock => Object.assign({ type: 'resource_link' as const }, link));
  return {
    content: [{ type: 'text', text: JSON.stringify(data) }, ...links],
    structuredContent: data,
    isError: outcome.failed === true,
  };
}

/** A failed call: the text carries the code, the sentence, the next step and the details, since clients show nothing else. */
export function failed(error: unknown): CallToolResult {
  const report = toRstreamError(error).toJSON();
  return {
    content: [{ type: 'text', text: withoutTokens(headAndTail(errorText(report), mcpLimits.resultBytes.default / 4)) }],
    isError: true,
  };
}

function errorText(report: ErrorReport): string {
  const lines = [`error ${report.code}: ${report.message}`, `next: ${report.next}`];
  if (report.details !== undefined) lines.push(`details: ${JSON.stringify(report.details)}`);
  return lines.join('\n');
}

/** Errors may quote what a peer said; nothing that looks like a signed token is ever shown. */
function withoutTokens(text: string): string {
  return text.replaceAll(/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, '[token]');
}

/** Arguments that do not match the schema, in one sentence per problem. */
export function invalidArguments(error: z.ZodError, accepted: readonly string[]): RstreamError {
  const problems = error.issues.slice(0, 8).map((issue) => {
    const path = issue.path.join('.');
    return path === '' ? issue.message : `${path}: ${issue.message}`;
  });
  return new RstreamError('ERR_RSTREAM_MCP_ARGUMENTS', `Invalid arguments: ${problems.join('; ')}.`, {
    next: `Correct that and call again. Arguments of this tool: ${accepted.length === 0 ? 'none' : accepted.join(', ')}.`,
  });
}
