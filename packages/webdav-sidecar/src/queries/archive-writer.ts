/** One file or folder on its way into an archive. */
export interface Archived {
  /** Names joined by `/`; those of folders end with one. */
  readonly path: string;
  readonly modified: Date;
  /** Permission bits. */
  readonly mode: number;
  /** Bytes of a file; exactly as many follow. */
  readonly size: number;
}

/** Writes the parts of an archive that are not content. */
export interface ArchiveWriter {
  readonly type: string;
  head(entry: Archived): Buffer;
  /** Told of the content as it goes out. */
  update(chunk: Buffer): void;
  /** What follows the content. */
  foot(): Buffer;
  end(): Iterable<Buffer>;
}
