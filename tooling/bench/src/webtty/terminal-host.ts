/** A terminal at a peer, as its client sees it. */
export interface HostedTerminal {
  /** What to show. Whoever does not ask for the next chunk holds the program back, by the means that the peer has. */
  readonly output: AsyncIterable<Uint8Array>;
  write(text: string): void;
  close(): void;
}

/** Something that gives terminals on this machine. */
export interface TerminalHost {
  readonly name: string;
  /** Opens a terminal with `sh` on it. */
  open(): Promise<HostedTerminal>;
  /** Its processes, the client left out; what runs below them counts, too. */
  readonly pids: readonly number[];
  close(): Promise<void> | void;
}

/** A peer that can take part, or the reason why it cannot. */
export type Candidate = TerminalHost | { readonly absent: string };

/** Runs `start`; a peer that cannot be had is named with the reason and left out. */
export async function candidate(name: string, start: () => Promise<TerminalHost>): Promise<Candidate> {
  try {
    return await start();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { absent: `${name}: ${reason.trim().split('\n').at(-1) ?? ''}` };
  }
}
