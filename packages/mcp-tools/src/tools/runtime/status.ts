import * as z from 'zod';
import type { ContextState, RuntimePorts } from '../../ports.ts';
import { defineTool } from '../../tool/define.ts';

const guidance = {
  ready: 'Go on with rstream_webtty_list or rstream_local_tunnel_expose. No token has to be minted or pasted.',
  needs_login: 'The selected context has no credential. Ask the user to give it one: rstream context update NAME --token-file FILE.',
  needs_context:
    'Ask the user for the engine address and a token file, then have them run: rstream context create NAME --engine HOST:PORT --token-file FILE --no-api-url --default.',
  several: 'Several contexts exist and none is selected. List them and ask the user which one to use; do not guess.',
} as const;

function advise(state: ContextState): { ready: boolean; needs_login: boolean; needs_context: boolean; next: string; text: string } {
  // A managed context names its project; the control plane knows the engine.
  const needsContext = state.engine === undefined && (state.api_url === undefined || state.project_endpoint === undefined);
  const needsLogin = !needsContext && !state.has_token;
  const ready = !needsContext && !needsLogin && state.error === undefined;
  const several = needsContext && state.contexts > 1;
  const text = ready ? guidance.ready : several ? guidance.several : needsContext ? guidance.needs_context : guidance.needs_login;
  return {
    ready,
    needs_login: needsLogin,
    needs_context: needsContext,
    next: ready ? 'rstream_webtty_list' : several ? 'rstream_context_list' : 'rstream_context_get',
    text: state.error === undefined ? text : `${state.error} ${ready ? '' : text}`.trim(),
  };
}

/** `rstream_runtime_status`: what is configured here and what to do next. Local files only. */
export const runtimeStatus = defineTool({
  name: 'rstream_runtime_status',
  title: 'rstream status',
  description: 'Check first whether rstream is ready on this workstation and what to do next. Reads local configuration only, no network.',
  toolset: 'core',
  surface: 'runtime',
  effect: 'read',
  input: z.strictObject({}),
  output: z.object({
    ready: z.boolean(),
    needs_login: z.boolean(),
    needs_context: z.boolean(),
    suggested_next_tool: z.string(),
    agent_guidance: z.string(),
    config_path: z.string(),
    default_context: z.string().optional(),
    selected_context: z.string().optional(),
    contexts: z.number(),
    api_url: z.string().optional(),
    engine: z.string().optional(),
    project_endpoint: z.string().optional(),
    has_token: z.boolean(),
    local_tunnels: z.number(),
    error: z.string().optional(),
    version: z.string(),
  }),
  async run(ports: RuntimePorts) {
    const [state, leases] = await Promise.all([ports.contexts.state(), ports.localTunnels.list()]);
    const advice = advise(state);
    const { ready, needs_login, needs_context } = advice;
    const data = {
      ...state,
      ready,
      needs_login,
      needs_context,
      suggested_next_tool: advice.next,
      agent_guidance: advice.text,
      local_tunnels: leases.length,
      version: ports.version,
    };
    return { data };
  },
});
