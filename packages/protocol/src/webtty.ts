/**
 * The WebTTY protocol: messages, their protobuf bytes, and the `plain` framing. Pure: no IO.
 *
 * @example
 * ```ts
 * import { decodeMessage, encodeFrame, FrameDecoder } from '@rstream/protocol/webtty';
 *
 * const frames = new FrameDecoder();
 * for (const body of frames.push(encodeFrame({ kind: 'signal', name: 'SIGINT', cancel: false }))) {
 *   const message = decodeMessage(body);
 *   if (message.kind === 'signal') message.name;
 * }
 * ```
 *
 * @module
 */
export { dataFrameHead, decodeMessage, encodeMessage } from './webtty/codec.ts';
export { encodeFrame, FrameDecoder } from './webtty/frame.ts';
export {
  AttachCapability,
  AttachRole,
  AttachTransport,
  ControlAction,
  DataType,
  FailureReason,
  OpenCapability,
  ProtocolErrorCode,
  SessionRole,
  SessionsAction,
  type CloseReport,
  type Config,
  type ExecOptions,
  type Message,
  type MessageOf,
  type SessionHandle,
  type SessionInfo,
  type SessionOptions,
  type TerminalSize,
} from './webtty/messages.ts';
