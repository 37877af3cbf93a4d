import type * as z from 'zod';

/** What a call does to the world; annotations and confirmation follow from it. */
export type Effect = 'read' | 'write' | 'destroy' | 'billing';

/** Where a tool may be offered: on the workstation, on the hosted process, or on both. */
export type Surface = 'runtime' | 'control' | 'both';

/** A link that a client may show beside the result. */
export interface ResultLink {
  readonly uri: string;
  readonly name: string;
  readonly mimeType?: string;
}

/** What a tool returns: the data, links to show, and whether the call counts as failed although it has data. */
export interface Outcome<Output> {
  readonly data: Output;
  readonly links?: readonly ResultLink[];
  readonly failed?: boolean;
  /** Bytes of text that this result may have; default `mcpLimits.resultBytes`. */
  readonly maxBytes?: number;
}

/** What the user is asked to agree to. */
export interface Plan {
  /** One sentence that a person can decide on. */
  readonly summary: string;
  /** What will be different afterwards. */
  readonly effects: readonly string[];
}

/** What the server gives a running call. */
export interface CallContext {
  /** Aborted when the client cancels, at the deadline, and when the server stops. */
  readonly signal: AbortSignal;
  /** Tells a client that asked for progress what is going on. */
  readonly progress: (message: string) => void;
}

/** A tool as data plus a thin handler. Make one with {@link defineTool}. */
export interface ToolDefinition<Ports, Input extends z.ZodObject, Output extends z.ZodObject> {
  /** `rstream_<noun>_<verb>`, at most 64 characters. */
  readonly name: string;
  readonly title: string;
  /** The first sentence says when to use it. */
  readonly description: string;
  /** Group that `--toolset` selects. */
  readonly toolset: string;
  readonly surface: Surface;
  readonly effect: Effect;
  /** Calling it again with the same arguments changes nothing more. Default: true for reads. */
  readonly idempotent?: boolean;
  /** It reaches things outside this machine. Default false. */
  readonly openWorld?: boolean;
  readonly input: Input;
  readonly output: Output;
  /**
   * What this call needs the user's word for; `undefined` when it needs none, because it touches only what the agent itself
   * made. A tool that is not a read and has no `plan` always asks.
   */
  plan?(ports: Ports, input: z.output<Input>): Plan | undefined | Promise<Plan | undefined>;
  /** `on request`: the plan is asked about only where the operator wants it (`--confirm NAME`). Default `always`. */
  readonly asks?: 'always' | 'on request';
  /** Longest run in ms; default `mcpLimits.callTimeout`. */
  deadline?(input: z.output<Input>): number;
  run(ports: Ports, input: z.output<Input>, context: CallContext): Promise<Outcome<z.input<Output>>>;
}

/** The four hints of the MCP specification, all explicit. */
export interface ToolAnnotations {
  readonly title: string;
  readonly readOnlyHint: boolean;
  readonly destructiveHint: boolean;
  readonly idempotentHint: boolean;
  readonly openWorldHint: boolean;
}

/** A tool whose input and output types are closed: what registries and servers handle. */
export interface Tool<Ports> extends Omit<ToolDefinition<Ports, z.ZodObject, z.ZodObject>, 'plan' | 'deadline' | 'run'> {
  readonly annotations: ToolAnnotations;
  readonly plan: ((ports: Ports, input: never) => Plan | undefined | Promise<Plan | undefined>) | undefined;
  readonly deadline: ((input: never) => number) | undefined;
  readonly run: (ports: Ports, input: never, context: CallContext) => Promise<Outcome<Readonly<Record<string, unknown>>>>;
}

/** Hints derived from the effect: a read is safe to repeat, only `destroy` is destructive. */
export function annotationsOf(tool: {
  readonly title: string;
  readonly effect: Effect;
  readonly idempotent?: boolean;
  readonly openWorld?: boolean;
}): ToolAnnotations {
  const read = tool.effect === 'read';
  return {
    title: tool.title,
    readOnlyHint: read,
    destructiveHint: tool.effect === 'destroy',
    idempotentHint: tool.idempotent ?? read,
    openWorldHint: tool.openWorld ?? false,
  };
}

/**
 * Declares one tool. The schemas give the handler its types; annotations follow from the effect.
 *
 * @throws TypeError when the name is longer than the 64 characters that model providers accept.
 */
export function defineTool<Ports, Input extends z.ZodObject, Output extends z.ZodObject>(
  definition: ToolDefinition<Ports, Input, Output>,
): Tool<Ports> {
  if (!/^[a-z][a-z0-9_]{0,63}$/.test(definition.name)) throw new TypeError(`invalid tool name ${definition.name}`);
  return {
    ...definition,
    plan: definition.plan?.bind(definition),
    deadline: definition.deadline?.bind(definition),
    run: definition.run.bind(definition),
    annotations: annotationsOf(definition),
  };
}
