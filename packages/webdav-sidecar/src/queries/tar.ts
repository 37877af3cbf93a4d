import type { Archived, ArchiveWriter } from './archive-writer.ts';

/** Blocks and fields of a tar archive, POSIX.1-2024 pax. */
const BLOCK = 512;
const NAME_BYTES = 100;
/** Largest size that eleven octal digits hold. */
const LARGEST_OCTAL = 8 ** 11 - 1;
const NOTHING = Buffer.alloc(0);

/** A tar archive with the extended headers that long names and large files need. */
export class TarWriter implements ArchiveWriter {
  readonly type = 'application/x-tar';
  #size = 0;

  head(entry: Archived): Buffer {
    this.#size = entry.size;
    const records = extended(entry);
    const header = block({ ...entry, type: entry.path.endsWith('/') ? '5' : '0' });
    if (records.length === 0) return header;
    const about = { path: 'pax', mode: 0o644, size: records.length, modified: entry.modified, type: 'x' };
    return Buffer.concat([block(about), records, padding(records.length), header]);
  }
  update(): void {
    // A tar has no checksum of content.
  }
  foot(): Buffer {
    return padding(this.#size);
  }
  *end(): Generator<Buffer> {
    yield Buffer.alloc(2 * BLOCK);
  }
}

const padding = (size: number): Buffer => (size % BLOCK === 0 ? NOTHING : Buffer.alloc(BLOCK - (size % BLOCK)));

function extended({ path, size }: Archived): Buffer {
  const records: string[] = [];
  if (Buffer.byteLength(path) > NAME_BYTES) records.push(record('path', path));
  if (size > LARGEST_OCTAL) records.push(record('size', String(size)));
  return Buffer.from(records.join(''));
}

/** `LENGTH key=value\n`, where the length counts its own digits. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const bytes = Buffer.byteLength(rest);
  const digits = String(bytes + String(bytes).length).length;
  return `${bytes + digits}${rest}`;
}

function block({ path, mode, size, modified, type }: Archived & { type: string }): Buffer {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, digits: number): void => void header.write(value.toString(8).padStart(digits, '0'), at);
  Buffer.from(path).copy(header, 0, 0, NAME_BYTES);
  octal(mode, 100, 7);
  octal(0, 108, 7);
  octal(0, 116, 7);
  octal(Math.min(size, LARGEST_OCTAL), 124, 11);
  octal(Math.max(0, Math.floor(modified.getTime() / 1000)), 136, 11);
  header.write('        ', 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257, 'latin1');
  let sum = 0;
  for (const byte of header) sum += byte;
  octal(sum, 148, 6);
  header.write('\0 ', 154, 'latin1');
  return header;
}
