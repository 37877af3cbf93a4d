import * as z from 'zod';

/**
 * What the filesystem sidecar offers beyond WebDAV: `GET PATH?rstream=<name>&…`. A query is no part of a file's name, so none of these
 * can hide a file. Long answers are rows of JSON, one a line; one without an `end` row was cut.
 */
export const fileQueries = ['info', 'hash', 'tree', 'search', 'tail', 'archive', 'events'] as const;
/** Name of the query parameter that asks for one of them. */
export const fileQueryParameter = 'rstream';
/** Type of an answer in rows. */
export const fileRowsType = 'application/x-ndjson; charset=utf-8';

const FileKind = z.enum(['file', 'folder']);
/** Path below the folder that was asked about: names joined by `/`, not percent-encoded; '' is the folder itself. */
const RelativePath = z.string();

/** `?rstream=info`: the root that serves this path; at the folder of several roots, all of them. */
export const FilesInfo = z.object({
  version: z.literal(1),
  /** `descriptors`: a path cannot be raced. `checked`: a race is seen, but only after it. */
  containment: z.enum(['descriptors', 'checked']),
  read_only: z.boolean(),
  /** Largest upload in bytes. */
  max_upload_bytes: z.int(),
  queries: z.array(z.string()),
  /** Names of the roots, where several are served below this path. */
  roots: z.array(z.object({ name: z.string(), read_only: z.boolean() })).optional(),
});
export type FilesInfo = z.infer<typeof FilesInfo>;

/** Algorithms of `?rstream=hash&algorithm=`; the default is `sha256`. */
export const FileHashAlgorithm = z.enum(['sha256', 'sha512', 'sha1', 'md5']);
export type FileHashAlgorithm = z.infer<typeof FileHashAlgorithm>;

/** `?rstream=hash` of a file. `etag` names the state that was hashed; a file that changes meanwhile is 409. */
export const FileHash = z.object({ algorithm: FileHashAlgorithm, hash: z.string(), size: z.int(), etag: z.string() });
export type FileHash = z.infer<typeof FileHash>;

/** Why an answer in rows ends before everything was looked at. */
const IncompleteReason = z.enum(['entries', 'depth', 'bytes', 'matches', 'time']);

/** Last row of a tree or a search. */
export const FileRowsEnd = z.object({
  type: z.literal('end'),
  /** Files and folders looked at. */
  entries: z.int(),
  /** Bytes of files read; for a search of content. */
  bytes: z.int().optional(),
  /** False: a limit ended it, and `reason` says which. */
  complete: z.boolean(),
  reason: IncompleteReason.optional(),
  /** Folders and files that could not be read. */
  unreadable: z.int(),
});
export type FileRowsEnd = z.infer<typeof FileRowsEnd>;

const entryFields = {
  path: RelativePath,
  kind: FileKind,
  /** Bytes of a file. */
  size: z.int().optional(),
  /** ISO 8601, UTC. */
  modified: z.string(),
  etag: z.string(),
};

/** One file or folder of a tree. A folder comes before what is in it. */
export const FileTreeEntry = z.object({ type: z.literal('entry'), ...entryFields });
export type FileTreeEntry = z.infer<typeof FileTreeEntry>;

/**
 * Rows of `?rstream=tree`. Parameter: `depth` (1, the folder's own entries, and more; default all). Links inside the root are shown as
 * what they lead to and not entered; anything but files and folders is not shown.
 */
export const FileTreeRow = z.discriminatedUnion('type', [FileTreeEntry, FileRowsEnd]);
export type FileTreeRow = z.infer<typeof FileTreeRow>;

/** One entry whose name matches, or one line whose text does. */
export const FileMatch = z.object({
  type: z.literal('match'),
  ...entryFields,
  /** Number of the line, from 1, for a search of content. */
  line: z.int().optional(),
  /** The line, shortened around the match. */
  text: z.string().optional(),
});
export type FileMatch = z.infer<typeof FileMatch>;

/**
 * Rows of `?rstream=search`. Parameters: `name` (glob over the last name: `*`, `?`), `content` (plain text within one line; binary
 * files are passed over), `ignore_case` (1), `kind` (file, folder), `depth`, `limit` (matches). Both `name` and `content`: files that
 * have both.
 */
export const FileSearchRow = z.discriminatedUnion('type', [FileMatch, FileRowsEnd]);
export type FileSearchRow = z.infer<typeof FileSearchRow>;

/**
 * Rows of `?rstream=events&depth=`: `ready` once the folder is watched, then changes. `overflow`: changes were lost; look again at
 * everything. `alive` is a sign of life. The answer ends when the folder goes away, or after `limits.webdav.followTime`.
 */
export const FileEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), folders: z.int(), complete: z.boolean() }),
  /** `kind` is what is at the path now; null: nothing is. */
  z.object({
    type: z.literal('change'),
    path: RelativePath,
    kind: FileKind.nullable(),
    size: z.int().optional(),
    modified: z.string().optional(),
    etag: z.string().optional(),
  }),
  z.object({ type: z.literal('overflow') }),
  z.object({ type: z.literal('alive') }),
  z.object({ type: z.literal('end'), reason: z.enum(['gone', 'time']) }),
]);
export type FileEvent = z.infer<typeof FileEvent>;

/**
 * Formats of `?rstream=archive&format=` for a folder or a file; the default is `zip`, stored and not compressed. An archive that cannot
 * be finished is cut: its last chunk is missing. The trailer {@link fileArchiveTrailer} counts what could not be read and is not in it.
 */
export const FileArchiveFormat = z.enum(['zip', 'tar']);
export type FileArchiveFormat = z.infer<typeof FileArchiveFormat>;
export const fileArchiveTrailer = 'x-rstream-unreadable';

/**
 * Response headers of `?rstream=tail&bytes=&follow=1` (or `offset=` in place of `bytes`, to go on after a lost connection), whose body is the end of the file and, with `follow`, whatever is added to it.
 * A file that becomes shorter is sent again from its beginning; one that is replaced is opened again by name.
 */
export const fileTailHeaders = {
  /** Where the first byte of the body is in the file. */
  offset: 'x-rstream-offset',
  /** Size of the file when the answer began. */
  size: 'x-rstream-size',
} as const;
