import type { ErrorEntry } from './entry.ts';

/** Errors of `tunnel-core`: sessions, streams, carriers, dialling. */
export const tunnelErrors = {
  ERR_RSTREAM_SESSION_CLOSED: {
    about: 'The session with the relay is closed.',
    next: 'Connect again.',
  },
  ERR_RSTREAM_STREAM_RESET: {
    about: 'The far end reset the stream.',
    next: 'Open a new stream; the far end gave up this one.',
  },
  ERR_RSTREAM_MUX_PROTOCOL: {
    about: 'The peer broke the rules of the multiplexer.',
    next: 'Connect again; if it stays, upgrade the older end.',
  },
  ERR_RSTREAM_CONNECT_FAILED: {
    about: 'The engine could not be reached.',
    next: 'Check the address and that the relay is running.',
  },
  ERR_RSTREAM_CARRIER_REFUSED: {
    about: 'Something between here and the relay answered in its place.',
    next: 'Check the address and any proxy on the way; with the carrier "auto" or "websocket" more proxies let the session pass.',
  },
  ERR_RSTREAM_ENGINE_INVALID: {
    about: 'The engine address is not HOST:PORT or an http(s) URL.',
    next: 'Give the engine as HOST:PORT, for example f587ee53.rstream.localhost:8080.',
  },
  ERR_RSTREAM_TIMEOUT: {
    about: 'The operation took longer than its deadline.',
    next: 'Try again, or allow more time.',
  },
  ERR_RSTREAM_ABORTED: {
    about: 'The operation was cancelled.',
    next: 'Nothing, if you cancelled it.',
  },
} as const satisfies Readonly<Record<string, ErrorEntry>>;
