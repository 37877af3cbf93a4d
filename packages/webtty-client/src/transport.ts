/**
 * The byte pipe under one command: what `rstrm://` dialling gives, or any other reliable duplex.
 *
 * It is this small because web streams cost about as much per chunk as all the rest of the client. A Node `Duplex` fits in
 * some twenty lines (see the README); {@link transportFromWebStreams} takes the web pair.
 */
export interface WebttyTransport {
  /**
   * How messages lie in it. `plain` (the default): bytes, each message behind its length. `messages`: one whole message for each
   * `read` and each `write`, as WebSocket has them.
   */
  readonly framing?: 'plain' | 'messages' | undefined;
  /** Next bytes in order, or `undefined` after the peer's clean end. Rejects when the connection broke. One call at a time. */
  read(): Promise<Uint8Array | undefined>;
  /**
   * Sends bytes. Calls may overlap and go out in call order; the promise settles when the pipe wants more (backpressure).
   * The bytes must not be changed afterwards.
   */
  write(chunk: Uint8Array): Promise<void> | void;
  /** Ends both directions at once and lets a pending `read` settle. Safe to call twice. */
  close(): void;
}

/** The web-standard pair, such as `Duplex.toWeb(stream)` or a WebTransport stream. */
export interface WebStreamPair {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
}

/** Makes a transport of a web stream pair. Locks both streams. */
export function transportFromWebStreams({ readable, writable }: WebStreamPair): WebttyTransport {
  const reader = readable.getReader();
  const writer = writable.getWriter();
  const quiet = (): void => undefined;
  return {
    async read() {
      const { done, value } = await reader.read();
      return done ? undefined : value;
    },
    async write(chunk) {
      // A failed write shows itself at `ready`; the write's own promise would only repeat it.
      writer.write(chunk).catch(quiet);
      await writer.ready;
    },
    close() {
      reader.cancel().catch(quiet);
      writer.abort().catch(quiet);
    },
  };
}
