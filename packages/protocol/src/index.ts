/**
 * The facts that every part of rstream shares: schemas, constants, limits and error codes. No IO.
 *
 * @example
 * ```ts
 * import { RstreamError } from '@rstream/protocol';
 * import { TunnelProperties } from '@rstream/protocol/tunnel';
 *
 * const parsed = TunnelProperties.safeParse({ name: 'web', protocol: 'http' });
 * if (!parsed.success) throw new RstreamError('INVALID_REQUEST', 'The tunnel properties are not valid.');
 * ```
 *
 * @module
 */
export {
  RstreamError,
  errorEntry,
  errorFromReport,
  localErrors,
  toRstreamError,
  wireErrors,
  type ErrorCode,
  type ErrorEntry,
  type ErrorOptions,
  type ErrorReport,
  type LocalErrorCode,
  type WireErrorCode,
} from './errors/index.ts';
export { limits, type Limit } from './limits/index.ts';
export { productVersion, protocolVersion } from './version.ts';
