import { crc32 } from 'node:zlib';
import type { Archived, ArchiveWriter } from './archive-writer.ts';

/** Numbers and names of the ZIP format: https://pkware.cachefly.net/webdocs/APPNOTE/APPNOTE-6.3.9.TXT */
const LOCAL = 0x04034b50;
const DESCRIPTOR = 0x08074b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END_64 = 0x06064b50;
const LOCATOR_64 = 0x07064b50;
/** Sizes and checksum follow the content, and names are UTF-8. */
const FLAGS = 0x0008 | 0x0800;
const VERSION_64 = 45;
const MADE_BY_UNIX = 3 << 8;
const LARGEST_32 = 0xffffffff;
const LARGEST_16 = 0xffff;
const ZIP64_EXTRA = 0x0001;
const FOLDER_TYPE = 0o040000;
const FILE_TYPE = 0o100000;
/** The folder of an archive is written in pieces of this many entries. */
const CENTRAL_BATCH = 512;

interface Open {
  readonly entry: Archived;
  readonly name: Buffer;
  readonly offset: number;
  crc: number;
}

/** A ZIP64 archive whose content is stored as it is: sizes and offsets of any size, in one pass. */
export class ZipWriter implements ArchiveWriter {
  readonly type = 'application/zip';
  /** Records of the folder at the end: all that is kept of an entry. */
  readonly #central: Buffer[] = [];
  #offset = 0;
  #open: Open | undefined;

  head(entry: Archived): Buffer {
    const name = Buffer.from(entry.path);
    const head = Buffer.alloc(30 + name.length + 20);
    head.writeUInt32LE(LOCAL, 0);
    head.writeUInt16LE(VERSION_64, 4);
    head.writeUInt16LE(FLAGS, 6);
    writeTime(head, 10, entry.modified);
    // Both sizes are in the extra field and still zero; the descriptor has them, in 64 bits because this field is here.
    head.writeUInt32LE(LARGEST_32, 18);
    head.writeUInt32LE(LARGEST_32, 22);
    head.writeUInt16LE(name.length, 26);
    head.writeUInt16LE(20, 28);
    name.copy(head, 30);
    head.writeUInt16LE(ZIP64_EXTRA, 30 + name.length);
    head.writeUInt16LE(16, 32 + name.length);
    this.#open = { entry, name, offset: this.#offset, crc: 0 };
    this.#offset += head.length;
    return entry.path.endsWith('/') ? Buffer.concat([head, this.foot()]) : head;
  }

  update(chunk: Buffer): void {
    if (this.#open !== undefined) this.#open.crc = crc32(chunk, this.#open.crc);
  }

  foot(): Buffer {
    const open = this.#open;
    if (open === undefined) return Buffer.alloc(0);
    const { entry, crc } = open;
    const foot = Buffer.alloc(24);
    foot.writeUInt32LE(DESCRIPTOR, 0);
    foot.writeUInt32LE(crc, 4);
    foot.writeBigUInt64LE(BigInt(entry.size), 8);
    foot.writeBigUInt64LE(BigInt(entry.size), 16);
    this.#central.push(centralRecord(open));
    this.#offset += entry.size + foot.length;
    this.#open = undefined;
    return foot;
  }

  *end(): Generator<Buffer> {
    const start = this.#offset;
    const count = this.#central.length;
    let size = 0;
    for (let at = 0; at < count; at += CENTRAL_BATCH) {
      const batch = Buffer.concat(this.#central.slice(at, at + CENTRAL_BATCH));
      size += batch.length;
      yield batch;
    }
    yield endRecords({ start, size, count });
  }
}

/** Year 1980 is the first that the format knows, and 2107 the last; it has no time zone, so times are UTC. */
function writeTime(buffer: Buffer, at: number, time: Date): void {
  const year = Math.min(Math.max(time.getUTCFullYear(), 1980), 2107);
  buffer.writeUInt16LE((time.getUTCHours() << 11) | (time.getUTCMinutes() << 5) | (time.getUTCSeconds() >> 1), at);
  buffer.writeUInt16LE(((year - 1980) << 9) | ((time.getUTCMonth() + 1) << 5) | time.getUTCDate(), at + 2);
}

function centralRecord({ entry, name, offset, crc }: Open): Buffer {
  const record = Buffer.alloc(46 + name.length + 28);
  record.writeUInt32LE(CENTRAL, 0);
  record.writeUInt16LE(VERSION_64 | MADE_BY_UNIX, 4);
  record.writeUInt16LE(VERSION_64, 6);
  record.writeUInt16LE(FLAGS, 8);
  writeTime(record, 12, entry.modified);
  record.writeUInt32LE(crc, 16);
  record.writeUInt32LE(LARGEST_32, 20);
  record.writeUInt32LE(LARGEST_32, 24);
  record.writeUInt16LE(name.length, 28);
  record.writeUInt16LE(28, 30);
  const type = entry.path.endsWith('/') ? FOLDER_TYPE : FILE_TYPE;
  record.writeUInt32LE(((type | entry.mode) << 16) >>> 0, 38);
  record.writeUInt32LE(LARGEST_32, 42);
  name.copy(record, 46);
  const extra = 46 + name.length;
  record.writeUInt16LE(ZIP64_EXTRA, extra);
  record.writeUInt16LE(24, extra + 2);
  record.writeBigUInt64LE(BigInt(entry.size), extra + 4);
  record.writeBigUInt64LE(BigInt(entry.size), extra + 12);
  record.writeBigUInt64LE(BigInt(offset), extra + 20);
  return record;
}

function endRecords({ start, size, count }: { start: number; size: number; count: number }): Buffer {
  const end = Buffer.alloc(56 + 20 + 22);
  end.writeUInt32LE(END_64, 0);
  end.writeBigUInt64LE(44n, 4);
  end.writeUInt16LE(VERSION_64 | MADE_BY_UNIX, 12);
  end.writeUInt16LE(VERSION_64, 14);
  end.writeBigUInt64LE(BigInt(count), 24);
  end.writeBigUInt64LE(BigInt(count), 32);
  end.writeBigUInt64LE(BigInt(size), 40);
  end.writeBigUInt64LE(BigInt(start), 48);
  end.writeUInt32LE(LOCATOR_64, 56);
  end.writeBigUInt64LE(BigInt(start + size), 64);
  end.writeUInt32LE(1, 72);
  end.writeUInt32LE(END, 76);
  end.writeUInt16LE(LARGEST_16, 84);
  end.writeUInt16LE(LARGEST_16, 86);
  end.writeUInt32LE(LARGEST_32, 88);
  end.writeUInt32LE(LARGEST_32, 92);
  return end;
}
