import { readFile } from 'node:fs/promises';
import { arch, hostname, platform, release } from 'node:os';
import { wellKnownLabels, type Labels } from '@rstream/protocol/tunnel';

/** What the inventory shows of a device's operating system. */
export interface HostFacts {
  readonly os_family: string;
  readonly arch: string;
  readonly kernel_release: string;
  readonly hostname: string;
  readonly os_id?: string | undefined;
  readonly os_version_id?: string | undefined;
  readonly os_version_codename?: string | undefined;
  readonly os_pretty_name?: string | undefined;
}

const families: Readonly<Record<string, string>> = { win32: 'windows', darwin: 'darwin' };
/** Node's names of architectures, where the names that the inventory uses differ. */
const architectures: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** Facts of this machine. A machine without os-release has fewer. */
export async function readHostFacts(): Promise<HostFacts> {
  const file = await readFile('/etc/os-release', 'utf8').catch(() => readFile('/usr/lib/os-release', 'utf8').catch(() => ''));
  const osRelease = parseOsRelease(file);
  return {
    os_family: families[platform()] ?? platform(),
    arch: architectures[arch()] ?? arch(),
    kernel_release: release(),
    hostname: hostname(),
    os_id: osRelease['ID'],
    os_version_id: osRelease['VERSION_ID'],
    os_version_codename: osRelease['VERSION_CODENAME'],
    os_pretty_name: osRelease['PRETTY_NAME'],
  };
}

/** Reads `NAME=value` lines of os-release(5): values may be quoted, with backslash escapes. */
export function parseOsRelease(text: string): Readonly<Record<string, string>> {
  const values: Record<string, string> = {};
  for (const line of text.split('\n')) {
    const match = /^([A-Z0-9_]+)=(.*)$/.exec(line.trim());
    if (match?.[1] === undefined || match[2] === undefined) continue;
    values[match[1]] = match[2].replace(/^(["'])(.*)\1$/, '$2').replaceAll(/\\(["'$`\\])/g, '$1');
  }
  return values;
}

/** Longest label value that the relay takes. */
const VALUE_CHARACTERS = 1024;

/** What the device offers, beyond commands. */
export interface DeviceOffer {
  readonly terminal?: boolean | undefined;
  /** Whom commands run as: the agent, or a login account. */
  readonly executionMode?: 'spawn' | 'login' | undefined;
  /** Folders over WebDAV. */
  readonly files?: 'read-only' | 'read-write' | undefined;
}

/**
 * Labels that make a tunnel a device in `webtty list`, with the operator's own under their prefix. `terminal` is a capability of
 * ours: readers of the list leave out the names that they do not know.
 */
export function deviceLabels(
  facts: HostFacts,
  operatorLabels: Readonly<Record<string, string>>,
  { terminal = false, executionMode = 'spawn', files }: DeviceOffer = {},
): Labels {
  const names = wellKnownLabels.webtty;
  const labels: Record<string, string | undefined> = {
    [wellKnownLabels.applicationProtocol]: names.application,
    [names.capabilities]: ['exec', ...(terminal ? ['terminal'] : []), ...(files === undefined ? [] : ['fs'])].join(','),
    [names.execPath]: '/',
    [names.fsPath]: files === undefined ? undefined : '/fs',
    [names.fsMode]: files,
    [names.fsBackend]: files === undefined ? undefined : 'webdav',
    [names.e2e]: 'disabled',
    [names.clientProof]: 'none',
    [names.executionMode]: executionMode,
    [names.hostname]: facts.hostname,
    [names.osFamily]: facts.os_family,
    [names.arch]: facts.arch,
    [names.osId]: facts.os_id,
    [names.osVersionId]: facts.os_version_id,
    [names.osVersionCodename]: facts.os_version_codename,
    [names.osPrettyName]: facts.os_pretty_name,
    [names.kernelRelease]: facts.kernel_release,
  };
  for (const [key, value] of Object.entries(operatorLabels)) labels[`${names.operatorPrefix}${key}`] = value;
  const present: Labels = {};
  for (const [key, value] of Object.entries(labels)) {
    if (value !== undefined && value !== '') present[key] = value.slice(0, VALUE_CHARACTERS);
  }
  return present;
}
