import { join } from 'node:path';
import { RstreamError } from '@rstream/protocol';
import { listRecordings, type RecordingSummary } from '@rstream/webtty-server';

/** One of the recordings of a folder, by its name with or without `.cast`, or by the id of a session that has one file. */
export async function findRecording(directory: string, asked: string): Promise<RecordingSummary> {
  const all = await listRecordings(directory);
  const named = all.find(({ name }) => name === asked || name === `${asked}.cast`);
  const ofSession = all.filter(({ header }) => header?.rstream?.session_id === asked);
  const found = named ?? ofSession[0];
  if (found === undefined) throw new RstreamError('ERR_RSTREAM_RECORDING_NOT_FOUND', `There is no recording ${asked} in ${directory}.`);
  if (named === undefined && ofSession.length > 1) {
    const names = ofSession.map(({ name }) => name).join(', ');
    throw new RstreamError('ERR_RSTREAM_RECORDING_NOT_FOUND', `Session ${asked} has ${ofSession.length} files; name one: ${names}.`);
  }
  return found;
}

/** Where a listed recording is. Names come from the folder itself, so none leads out of it. */
export const pathOf = (directory: string, { name }: RecordingSummary): string => join(directory, name);

/** A recording as JSON has it. */
export function describeRecording({ name, bytes, header, durationUs, finished }: RecordingSummary): Readonly<Record<string, unknown>> {
  const facts = header?.rstream;
  return {
    name,
    session_id: facts?.session_id,
    part: facts?.part,
    started_at: facts?.started_at,
    duration_s: durationUs === undefined ? undefined : durationUs / 1e6,
    bytes,
    user_id: facts?.user_id,
    credential_id: facts?.credential_id,
    source_ip: facts?.source_ip,
    command: header?.command,
    title: header?.title,
    cwd: facts?.cwd,
    terminal: facts?.terminal,
    input: facts?.input,
    finished,
  };
}

/** Text of others on a terminal: a control character in it must not do anything. */
export const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '\ufffd');
