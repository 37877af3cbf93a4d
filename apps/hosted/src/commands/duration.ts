import { RstreamError } from '@rstream/protocol';

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of a life like `45s`, `30m`, `12h` or `90d`. */
export function parseTtl(text: string): number {
  const match = /^([1-9]\d{0,8})([smhd])$/.exec(text);
  if (match === null) {
    throw new RstreamError('ERR_RSTREAM_HOSTED_CONFIG', `"${text}" is not a life like 30m, 12h or 90d.`, { next: 'Correct --ttl.' });
  }
  return Number(match[1]) * units[match[2] as keyof typeof units];
}
