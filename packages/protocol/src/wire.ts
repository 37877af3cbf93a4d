import * as z from 'zod';
import { ClientDetails, Labels, Tunnel, TunnelProperties } from './tunnel.ts';

/**
 * How our own agent, CLI and libraries talk to the relay.
 *
 * Carrier: `GET /api/session` on the engine host with `Upgrade: rstream-mux/1` (raw bytes after 101), or `Upgrade: websocket`
 * with subprotocol `rstream-mux.1` (binary messages, no deflate). The credential is `Authorization: Bearer` on that request;
 * a refusal is an ordinary HTTP answer with an error body. Session: yamux; the connecting side is the client (odd stream ids).
 * Stream: 4-byte big-endian length + JSON `OpenHeader`, then one answer from the accepting side: byte 0x00 (accepted) or byte
 * 0x01 + 4-byte length + JSON `WireErrorBody`; then raw bytes. The opener may send bytes before the answer arrives. That holds
 * for the control stream too: the client sends its header and `hello` at once, the relay answers the byte, then `welcome`, or
 * `failed` without `request_id`, after which it closes the session.
 */
export const sessionPath = '/api/session';
export const upgradeProtocol = 'rstream-mux/1';
export const websocketSubprotocol = 'rstream-mux.1';
/** Header with the stable error code on every answer that the relay itself makes. */
export const errorHeader = 'rstream-error';
/** Header (and log field) that joins edge, agent and tool call. */
export const requestIdHeader = 'rstream-request-id';
/** Query parameter and cookie that carry a token for a `token_auth` tunnel. */
export const tokenQueryParameter = 'rstream.token';

/** Body of an error answer of the REST API and of a refused stream: `error` is the sentence, as published clients print it. */
export const WireErrorBody = z.object({
  error: z.string(),
  code: z.string(),
  next: z.string().optional(),
});
export type WireErrorBody = z.infer<typeof WireErrorBody>;

/** First bytes of every stream of a session. */
export const OpenHeader = z.discriminatedUnion('kind', [
  /** Client → relay, exactly once, first: control messages, each 4-byte length + JSON. */
  z.strictObject({ kind: z.literal('control') }),
  /** Client → relay: reach a private tunnel by name or id. */
  z.strictObject({ kind: z.literal('dial'), target: z.string().min(1).max(128), path: z.string().max(4096).optional() }),
  /** Relay → client: one incoming stream of a tunnel that this client listens on. */
  z.strictObject({
    kind: z.literal('tunnel'),
    tunnel_id: z.string().max(64),
    stream_id: z.string().max(64),
    /** `edge`: a public connection. `dial`: a private dial, with the identity that the relay proved. */
    via: z.enum(['edge', 'dial']),
    source_ip: z.string().max(64).optional(),
    user_id: z.string().max(128).optional(),
    credential_id: z.string().max(128).optional(),
  }),
]);
export type OpenHeader = z.infer<typeof OpenHeader>;
export type TunnelOpenHeader = Extract<OpenHeader, { kind: 'tunnel' }>;

/** Messages that a client sends on its control stream. */
export const ClientMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('hello'),
    client: ClientDetails,
    /** Stable for one running process, so that the relay can tell a reconnect from a second process. */
    instance_id: z.string().max(64),
    /** Grows with every connection of one process; with equal names the larger one wins. */
    generation: z.int().min(0),
  }),
  z.object({ type: z.literal('tunnel.open'), request_id: z.string().max(64), properties: TunnelProperties }),
  z.object({ type: z.literal('tunnel.close'), request_id: z.string().max(64), tunnel_id: z.string().max(64) }),
]);
export type ClientMessage = z.infer<typeof ClientMessage>;

/** What the relay says of itself. */
export const ServerDetails = z.object({
  agent: z.string(),
  version: z.string(),
  protocol_version: z.string(),
  plan: z.string().optional(),
  provider: z.string().optional(),
  region: z.string().optional(),
  /** A sentence when a newer client should be used. */
  update: z.string().optional(),
});
export type ServerDetails = z.infer<typeof ServerDetails>;

/** Messages that the relay sends on a control stream. */
export const ServerMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('welcome'), client_id: z.string(), server: ServerDetails, project: z.string(), labels: Labels.optional() }),
  z.object({
    type: z.literal('tunnel.opened'),
    request_id: z.string(),
    tunnel: Tunnel,
    /** What users see: `https://host`, `rstrm://name`. */ forwarding: z.string(),
  }),
  z.object({
    type: z.literal('tunnel.closed'),
    request_id: z.string().optional(),
    tunnel_id: z.string(),
    reason: WireErrorBody.optional(),
  }),
  z.object({ type: z.literal('failed'), request_id: z.string().optional(), reason: WireErrorBody }),
  /** The relay is about to stop: open no new streams, reconnect after `retry_after_ms`. */
  z.object({ type: z.literal('drain'), retry_after_ms: z.int().min(0) }),
  z.object({ type: z.literal('notice'), message: z.string() }),
]);
export type ServerMessage = z.infer<typeof ServerMessage>;
