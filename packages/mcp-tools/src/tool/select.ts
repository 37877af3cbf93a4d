import { RstreamError } from '@rstream/protocol';
import type { Tool } from './define.ts';

/** A subset of the tools, as the operator asked for it. */
export interface ToolSelection {
  /** Names, as `toolNamed` takes them. */
  readonly tools?: readonly string[];
  readonly toolsets?: readonly string[];
  /** Only tools that change nothing. */
  readonly readOnly?: boolean;
}

/** The tool of that name: in full, without `rstream_`, or by the last words when only one tool ends in them (`exec`). */
export function toolNamed<Ports>(tools: readonly Tool<Ports>[], name: string): Tool<Ports> {
  const exact = tools.find((tool) => tool.name === name || tool.name === `rstream_${name}`);
  if (exact !== undefined) return exact;
  const [only, ...others] = tools.filter((tool) => tool.name.endsWith(`_${name}`));
  if (only !== undefined && others.length === 0) return only;
  throw new RstreamError('ERR_RSTREAM_USAGE', `There is no tool "${name}".`, {
    next: `Choose from: ${tools.map((tool) => tool.name).join(', ')}.`,
  });
}

/** The chosen tools in the order of their names. With neither names nor toolsets: all of them. */
export function selectTools<Ports>(tools: readonly Tool<Ports>[], selection: ToolSelection = {}): readonly Tool<Ports>[] {
  const sets = new Set(tools.map((tool) => tool.toolset));
  const unknown = selection.toolsets?.find((name) => !sets.has(name));
  if (unknown !== undefined) {
    throw new RstreamError('ERR_RSTREAM_USAGE', `There is no toolset "${unknown}".`, { next: `Choose from: ${[...sets].join(', ')}.` });
  }
  const named = new Set(selection.tools?.map((name) => toolNamed(tools, name)));
  const all = selection.tools === undefined && selection.toolsets === undefined;
  return tools
    .filter((tool) => all || named.has(tool) || selection.toolsets?.includes(tool.toolset) === true)
    .filter((tool) => selection.readOnly !== true || tool.effect === 'read')
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
