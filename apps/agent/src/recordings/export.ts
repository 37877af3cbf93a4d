import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { exportText, exportV2 } from '@rstream/webtty-server';
import { findRecording, pathOf } from './find.ts';

export const exportFormats = ['v3', 'v2', 'text'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** `recordings export`: to standard output, as fast as its reader takes it. */
export async function exportRecording(recording: string, dir: string, format: ExportFormat): Promise<void> {
  const path = pathOf(dir, await findRecording(dir, recording));
  try {
    await pipeline(sourceOf(path, format), process.stdout, { end: false });
  } catch (error) {
    // The reader has seen enough, such as `head`.
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
  }
}

function sourceOf(path: string, format: ExportFormat): Readable {
  if (format === 'v2') return Readable.from(exportV2(path));
  return format === 'text' ? Readable.from(exportText(path)) : createReadStream(path);
}
