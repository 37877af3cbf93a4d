/** What a table row says about a code. */
export interface ErrorEntry {
  /** One sentence: what happened. */
  readonly about: string;
  /** One sentence: what to do next. */
  readonly next: string;
  /** HTTP status where the code reaches an HTTP caller. */
  readonly status?: number;
  /** Number of the same error in the published `rstrm/1` protocol. */
  readonly wire?: number;
}
