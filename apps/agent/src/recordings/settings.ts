import * as z from 'zod';
import { limits } from '@rstream/protocol';
import { recordSessions, type SessionRecordings } from '@rstream/webtty-server';
import type { Logger } from '../log.ts';

const { recordingFile, recordingAge, recordingTotal, recordingLine } = limits.webtty;
const dayMs = 86_400_000;

/** Key `recording` of the configuration file. */
export const RecordingSettings = z
  .strictObject({
    mode: z.enum(['never', 'asked', 'always', 'required']).default('never'),
    directory: z.string().min(1).optional(),
    input: z.boolean().default(false),
    maxFileBytes: z.int().min(recordingLine.default).default(recordingFile.default),
    maxAgeDays: z
      .int()
      .min(1)
      .max(36_500)
      .default(recordingAge.default / dayMs),
    maxTotalBytes: z.int().min(recordingLine.default).default(recordingTotal.default),
    redact: z.array(z.string().min(1)).default([]),
  })
  .refine(({ mode, directory }) => mode === 'never' || directory !== undefined, {
    path: ['directory'],
    message: 'is required, unless the mode is "never"',
  });
export type RecordingSettings = z.infer<typeof RecordingSettings>;

/** Records the sessions of the agent as its settings say; undefined when they say never. */
export async function startRecordings(settings: RecordingSettings | undefined, logger: Logger): Promise<SessionRecordings | undefined> {
  if (settings === undefined || settings.mode === 'never' || settings.directory === undefined) return undefined;
  const { maxAgeDays, directory, ...options } = settings;
  return recordSessions({
    ...options,
    directory,
    maxAgeMs: maxAgeDays * dayMs,
    onFailure: ({ sessionId, error, mustEnd }) => logger.error({ session_id: sessionId, must_end: mustEnd, error }, 'recording failed'),
    onRemoved: (names) => logger.info({ recordings: names }, 'old recordings removed'),
  });
}
