import type { ErrorEntry } from './entry.ts';

/**
 * Errors that a peer may receive: in a refused stream, a control message, a REST answer or the `rstream-error` header of an
 * edge page. Numbers are those of the published `rstrm/1` protocol where it has one.
 */
export const wireErrors = {
  UNAUTHORIZED: {
    wire: 1000,
    status: 401,
    about: 'The credential is missing, malformed, expired or revoked.',
    next: 'Get a valid token and send it as "Authorization: Bearer".',
  },
  FORBIDDEN: {
    status: 403,
    about: 'The credential is valid but does not allow this.',
    next: 'Use a token with the permission and resource scope that the message names.',
  },
  INVALID_REQUEST: {
    wire: 2000,
    status: 400,
    about: 'The request is malformed or breaks a rule.',
    next: 'Correct the field that the message names and send it again.',
  },
  PROTOCOL_VERSION_MISSING: {
    wire: 2010,
    status: 400,
    about: 'The peer did not say which protocol version it speaks.',
    next: 'Upgrade the client.',
  },
  PROTOCOL_VERSION_INVALID: {
    wire: 2020,
    status: 400,
    about: 'The protocol version is not MAJOR.MINOR.PATCH.',
    next: 'Upgrade the client.',
  },
  PROTOCOL_VERSION_INCOMPATIBLE: {
    wire: 2030,
    status: 400,
    about: 'The protocol version is not supported by this relay.',
    next: 'Use a client with the same major protocol version as the relay.',
  },
  TUNNEL_NOT_FOUND: {
    wire: 3000,
    status: 404,
    about: 'No tunnel of this project has that name or id.',
    next: 'List the tunnels and check the name.',
  },
  TUNNEL_OFFLINE: {
    status: 502,
    about: 'The tunnel exists but its device is not connected.',
    next: 'Start the device or the forward that owns this tunnel, then try again.',
  },
  TUNNEL_CONFLICT: {
    status: 409,
    about: 'Another credential holds a live tunnel with this name or hostname.',
    next: 'Choose another name, or stop the tunnel that holds it.',
  },
  TUNNEL_REPLACED: {
    status: 409,
    about: 'The same credential opened this tunnel again from elsewhere, which took its name.',
    next: 'Nothing if you restarted it; otherwise give the two processes different names.',
  },
  TUNNEL_CLOSED: {
    status: 410,
    about: 'The tunnel was closed.',
    next: 'Open it again.',
  },
  INVALID_STREAM: {
    wire: 4000,
    status: 502,
    about: 'The stream header is malformed or names something this end does not have.',
    next: 'Open a new stream.',
  },
  FEATURE_NOT_AVAILABLE: {
    wire: 5000,
    status: 501,
    about: 'This relay does not offer that feature.',
    next: 'Leave the option out, or use a relay that has it.',
  },
  SERVICE_UNAVAILABLE: {
    wire: 6000,
    status: 503,
    about: 'The relay is draining or not ready.',
    next: 'Try again shortly.',
  },
  CAPACITY_EXHAUSTED: {
    wire: 7000,
    status: 429,
    about: 'A limit is reached.',
    next: 'Close what is no longer used, or raise the limit that the message names.',
  },
  UPSTREAM_UNREACHABLE: {
    status: 502,
    about: 'The device is connected, but the service behind the tunnel did not accept the connection.',
    next: 'Start the local service, or correct the port that the tunnel forwards to.',
  },
  UPSTREAM_TIMEOUT: {
    status: 504,
    about: 'The service behind the tunnel did not answer in time.',
    next: 'Check the service; long work should send its headers early.',
  },
  SESSION_LOST: {
    status: 502,
    about: 'The connection between the device and the relay was lost.',
    next: 'Try again; the device reconnects by itself.',
  },
  MISDIRECTED: {
    status: 421,
    about: 'This connection already serves another host.',
    next: 'Open a new connection for this host.',
  },
  NOT_FOUND: {
    status: 404,
    about: 'There is nothing at this address.',
    next: 'Check the address.',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    about: 'This address does not take that method.',
    next: 'Use one of the methods in the Allow header.',
  },
  REQUEST_TIMEOUT: {
    status: 408,
    about: 'The request did not arrive in time.',
    next: 'Send the request again.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    about: 'The request head is larger than the relay accepts.',
    next: 'Send fewer or smaller headers.',
  },
  PAYLOAD_TOO_LARGE: {
    status: 413,
    about: 'The body is larger than this address accepts.',
    next: 'Send less at a time.',
  },
  INTERNAL: {
    wire: 9000,
    status: 500,
    about: 'Something failed that should not have.',
    next: 'Try again; if it stays, report it with the request id.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;

/** Code of an error that crosses a wire. */
export type WireErrorCode = keyof typeof wireErrors;
