import { attachTerminal, openTerminal, type OpenTerminalOptions, type TerminalRequest } from '@rstream/webtty-client';
import type { Device } from '../remote-command/device.ts';
import { statusOf } from '../remote-command/text.ts';
import { EndingSignals } from './ending-signals.ts';
import { LocalTerminal } from './local-terminal.ts';
import { parsePrefixKey, type PrefixKey } from './prefix-key.ts';
import { currentViewport } from './viewport.ts';

export interface AttachHereOptions {
  /** A new terminal, or one that runs already. */
  readonly request: Omit<TerminalRequest, 'rows' | 'columns'> | { readonly sessionId: string };
  /** Default: that of {@link parsePrefixKey}. */
  readonly prefix?: PrefixKey | undefined;
  readonly isReadOnly?: boolean;
  readonly label?: string | undefined;
  readonly signal?: AbortSignal;
}

/** How it ended here. */
export interface LeftTerminal {
  readonly exitCode: number;
  /** The session that goes on without us. */
  readonly goesOn: string | undefined;
}

/** Joins the terminal of this process with one on a device, over as many connections as it takes. @throws RstreamError */
export async function attachHere(device: Device, options: AttachHereOptions): Promise<LeftTerminal> {
  const { request, isReadOnly = false, label } = options;
  const prefix = 'prefix' in options ? options.prefix : parsePrefixKey();
  const signals = new EndingSignals();
  const signal = options.signal === undefined ? signals.signal : AbortSignal.any([signals.signal, options.signal]);
  const local = new LocalTerminal({ prefix, isReadOnly });
  const open: OpenTerminalOptions = { ...local.events, reconnect: device.connect, label, signal };
  try {
    const transport = await device.connect(signal);
    const role = isReadOnly ? 'spectator' : 'controller';
    const remote =
      'sessionId' in request
        ? await attachTerminal(transport, { ...request, ...currentViewport(), role }, open)
        : await openTerminal(transport, { ...request, ...currentViewport() }, open);
    const { outcome, isDetached } = await local.attach(remote);
    if (isDetached) return { exitCode: 0, goesOn: remote.session?.id };
    return { exitCode: signals.exitCode ?? statusOf(outcome), goesOn: undefined };
  } catch (error) {
    if (signals.exitCode === undefined) throw error;
    return { exitCode: signals.exitCode, goesOn: undefined };
  } finally {
    signals.release();
  }
}
