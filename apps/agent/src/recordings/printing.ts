/** Writes one line to standard output. */
export type Print = (line: string) => void;

/** Flags of the commands that print what they found. */
export interface PrintFlags {
  readonly dir: string;
  readonly output: 'text' | 'json';
}
