import { readFileSync, statSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';
import { clearInterval, clearTimeout, setInterval, setTimeout } from 'node:timers';
import { createSecureContext } from 'node:tls';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { limits, RstreamError } from '@rstream/protocol';
import type { Logger } from '../log.ts';

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface TlsPair {
  readonly cert: string;
  readonly key: string;
}

/** Certificate tools write the two files one after the other; reading waits until both are there. */
const SETTLE_MS = 100;

/** Reads a pair and proves that it can serve. @throws RstreamError `ERR_RSTREAM_HOSTED_TLS`, never quoting the key */
export function readTlsPair({ cert, key }: TlsFiles): TlsPair {
  try {
    const pair = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
    if (!new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key)))
      throw new Error('the key is not that of the certificate');
    createSecureContext(pair);
    return pair;
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : cause instanceof Error ? cause.message : 'unreadable';
    throw new RstreamError('ERR_RSTREAM_HOSTED_TLS', `The pair ${cert} and ${key} cannot be used: ${reason}.`);
  }
}

/**
 * Calls `onChange` with each new valid pair. A bad pair is logged and the one in use stays. Watches the directories, because
 * files are replaced by renaming, and compares times now and then, because network file systems send no events.
 */
export function watchTlsFiles(files: TlsFiles, onChange: (pair: TlsPair) => void, logger: Logger): () => void {
  let seen = versionOf(files);
  let settle: NodeJS.Timeout | undefined;
  const check = (): void => {
    const version = versionOf(files);
    if (version === seen) return;
    seen = version;
    try {
      onChange(readTlsPair(files));
      logger.info({ cert: files.cert }, 'certificate reloaded');
    } catch (error) {
      logger.error({ err: error }, 'new certificate refused, the old one stays');
    }
  };
  const soon = (): void => {
    clearTimeout(settle);
    settle = setTimeout(check, SETTLE_MS);
  };
  const watchers = [...new Set([dirname(files.cert), dirname(files.key)])].flatMap((path) => tryWatch(path, soon));
  const poll = setInterval(check, limits.control.tlsReloadPoll.default);
  poll.unref();
  return () => {
    clearInterval(poll);
    clearTimeout(settle);
    for (const watcher of watchers) watcher.close();
  };
}

function tryWatch(path: string, onEvent: () => void): FSWatcher[] {
  try {
    const watcher = watch(path, { persistent: false }, onEvent);
    watcher.on('error', () => watcher.close());
    return [watcher];
  } catch {
    // The poll finds changes too.
    return [];
  }
}

function versionOf({ cert, key }: TlsFiles): string {
  const version = (path: string): string => {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined ? '-' : `${stats.mtimeMs}:${stats.size}:${stats.ino}`;
  };
  return `${version(cert)} ${version(key)}`;
}
