import { randomBytes } from 'node:crypto';
import { RstreamError } from '@rstream/protocol';
import type { ProjectRef } from '@rstream/protocol/claims';

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const ENDPOINT = /^[0-9a-f]{8}$/;

/** The addresses of one relay: control plane at `B`, engines at `<endpoint>.B`, published tunnels at `<label>-<endpoint>.t.B`. */
export interface HostPlan {
  /** True for any name under `t.B`, whether a tunnel has it or not. */
  isPublished(hostname: string): boolean;
  /** The endpoint of the project that owns a published host name. */
  endpointOf(hostname: string): string | undefined;
  /**
   * The host name for a new tunnel.
   *
   * @param requested the wanted host name: whole, or only its first label
   * @throws RstreamError `INVALID_REQUEST` for a name outside the project or without a usable label
   */
  hostnameFor(project: ProjectRef, requested: string | undefined): string;
  /** `host[:port]` as users type it. */
  authority(hostname: string): string;
  /** `http(s)://host[:port]`. */
  url(hostname: string): string;
}

/**
 * @param baseHost public authority of the control plane, `host[:port]`
 * @param secure true when the public listener speaks TLS
 */
export function hostPlan(baseHost: string, secure: boolean): HostPlan {
  const [base = '', port] = baseHost.toLowerCase().split(':');
  const suffix = `.t.${base}`;
  const standardPort = secure ? '443' : '80';
  const authority = (hostname: string): string => (port === undefined || port === standardPort ? hostname : `${hostname}:${port}`);
  const labelIn = (hostname: string): string | undefined =>
    hostname.endsWith(suffix) && LABEL.test(hostname.slice(0, -suffix.length)) ? hostname.slice(0, -suffix.length) : undefined;
  return {
    isPublished: (hostname) => hostname.endsWith(suffix),
    endpointOf(hostname) {
      const endpoint = labelIn(hostname)?.slice(-8);
      return endpoint !== undefined && ENDPOINT.test(endpoint) ? endpoint : undefined;
    },
    hostnameFor(project, requested) {
      if (requested === undefined) return `${slug()}-${project.endpoint}${suffix}`;
      const hostname = requested.includes('.') ? requested : `${withEndpoint(requested, project)}${suffix}`;
      const label = labelIn(hostname);
      if (label === undefined || !label.endsWith(`-${project.endpoint}`) || label.length < 10) {
        throw new RstreamError(
          'INVALID_REQUEST',
          `hostname must be <label>-${project.endpoint}${suffix} with at most 63 characters before the first dot.`,
          {
            next: 'Leave hostname out to get a generated one.',
          },
        );
      }
      return hostname;
    },
    authority,
    url: (hostname) => `${secure ? 'https' : 'http'}://${authority(hostname)}`,
  };
}

function withEndpoint(label: string, project: ProjectRef): string {
  return label.endsWith(`-${project.endpoint}`) ? label : `${label}-${project.endpoint}`;
}

const CONSONANTS = 'bdfghjklmnprstvz';
const VOWELS = 'aeiou';

/** A pronounceable label of four syllables and two digits: easy to read aloud, 6 × 10^8 of them. */
function slug(): string {
  const bytes = randomBytes(10);
  const syllable = (at: number): string => `${CONSONANTS[(bytes[at] ?? 0) % 16]}${VOWELS[(bytes[at + 1] ?? 0) % 5]}`;
  const digits = String((bytes.readUInt16BE(8) % 90) + 10);
  return `${syllable(0)}${syllable(2)}${syllable(4)}${syllable(6)}${digits}`;
}
