import { readTlsPair } from '../listen/tls-files.ts';
import { checkExposure } from './exposure.ts';
import type { HostedConfig } from './schema.ts';

/** Everything that would refuse a start and can be known without starting. */
export function checkHostedConfig(config: HostedConfig): void {
  checkExposure(config);
  const { cert, key } = config.tls;
  if (cert !== undefined && key !== undefined) readTlsPair({ cert, key });
}
