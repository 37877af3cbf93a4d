import { listRecordings, type RecordingSummary } from '@rstream/webtty-server';
import { describeRecording, printable } from './find.ts';
import type { Print, PrintFlags } from './printing.ts';

/** `recordings list` */
export async function list({ dir, output }: PrintFlags, print: Print): Promise<void> {
  const recordings = await listRecordings(dir);
  if (output === 'json') {
    print(JSON.stringify(recordings.map(describeRecording)));
    return;
  }
  const rows = [['RECORDING', 'LENGTH', 'SIZE', 'WHO', 'COMMAND'], ...recordings.map(rowOf)];
  const widths = rows.reduce<number[]>((widest, row) => row.map((cell, index) => Math.max(widest[index] ?? 0, cell.length)), []);
  for (const row of rows)
    print(
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

function rowOf({ name, bytes, header, durationUs, finished }: RecordingSummary): string[] {
  const length = durationUs === undefined ? '?' : `${Math.round(durationUs / 1e6)} s`;
  const who = header?.rstream?.user_id ?? '-';
  const command = header === undefined ? '(cannot be read)' : (header.command ?? '').slice(0, 60);
  return [name, finished ? length : `${length}…`, `${Math.ceil(bytes / 1024)} kB`, printable(who), printable(command)];
}
