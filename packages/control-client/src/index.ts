/**
 * Typed clients of the two REST APIs: the engine of a project (inventory, events) and the control plane (projects, tokens).
 * Web-standard types only: they run in Node, in browsers and in workers.
 *
 * @example
 * ```ts
 * import { createEngineClient } from '@rstream/control-client';
 *
 * const engine = createEngineClient({ engineUrl: 'https://f587ee53.example.com', token: () => readToken() });
 * const online = await engine.tunnels.list({ filters: { status: 'online' } });
 * for await (const event of engine.watch(undefined, { signal: AbortSignal.timeout(60_000) })) {
 *   console.log(event.type, online.length);
 * }
 * declare function readToken(): Promise<string>;
 * ```
 *
 * @module
 */
export {
  createControlClient,
  type ControlClient,
  type ControlClientOptions,
  type ProjectPage,
  type ProjectQuery,
} from './control-client.ts';
export { createEngineClient, type CreatedToken, type EngineClient, type EngineClientOptions, type ListParams } from './engine-client.ts';
export type { CallOptions, ClientOptions, Fetch, FetchInit, TokenProvider } from './transport.ts';
