/** A condition that RFC 4918 §16 names: the element inside `DAV:error`. */
export type Condition =
  | 'propfind-finite-depth'
  | 'lock-token-submitted'
  | 'lock-token-matches-request-uri'
  | 'no-conflicting-lock'
  | 'cannot-modify-protected-property'
  | 'quota-not-exceeded';

export interface FailureOptions {
  readonly condition?: Condition;
  /** Path (as a client writes it) that a condition is about. */
  readonly href?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** The answer to a request that is not done: an HTTP status and a sentence without a path of this machine. */
export class Failure extends Error {
  readonly status: number;
  readonly condition: Condition | undefined;
  readonly href: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, options: FailureOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'Failure';
    this.status = status;
    this.condition = options.condition;
    this.href = options.href;
    this.headers = options.headers ?? {};
  }
}

const answers: Readonly<Record<string, readonly [number, string]>> = {
  ENOENT: [404, 'There is no such file or folder.'],
  ENOTDIR: [404, 'There is no such file or folder.'],
  EACCES: [403, 'The user of the sidecar may not do this.'],
  EPERM: [403, 'The user of the sidecar may not do this.'],
  EROFS: [403, 'The disk is read-only.'],
  ELOOP: [403, 'A symbolic link is not followed here.'],
  ENXIO: [403, 'This is neither a file nor a folder.'],
  ETXTBSY: [409, 'The file is a program that runs.'],
  EBUSY: [409, 'The system uses this entry.'],
  EISDIR: [409, 'This is a folder.'],
  EEXIST: [409, 'The entry was made by someone else meanwhile.'],
  ENOTEMPTY: [409, 'The folder was filled by someone else meanwhile.'],
  ENAMETOOLONG: [414, 'The name is too long for this disk.'],
  EINVAL: [400, 'The name is not possible on this disk.'],
  EILSEQ: [400, 'The name is not possible on this disk.'],
  EFBIG: [507, 'The file is too large for this disk.'],
  ENOSPC: [507, 'The disk is full.'],
  EDQUOT: [507, 'The disk quota is used up.'],
  EMFILE: [503, 'Too many files are open.'],
  ENFILE: [503, 'Too many files are open.'],
};

/** The code of a system error, or ''. */
export function systemCode(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** What a client is told about any error: the message of a system error names paths of this machine and is never sent. */
export function toFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const [status, message] = answers[systemCode(error)] ?? [500, 'The request could not be done.'];
  const options: FailureOptions = status === 507 ? { condition: 'quota-not-exceeded', cause: error } : { cause: error };
  return new Failure(status, message, options);
}
