import { styleText } from 'node:util';
import { printable } from '../output.ts';
import type { ForwardConnection, ForwardStatus } from './run-forward.ts';

/** Shows what a forward does. */
export interface ForwardPresenter {
  onStatus(status: ForwardStatus): void;
  onConnection(connection: ForwardConnection): void;
  /** The forward is over. */
  end(): void;
}

export const forwardOutputs = ['text', 'json', 'xterm', 'none'] as const;
export type ForwardOutput = (typeof forwardOutputs)[number];

export function createPresenter(mode: ForwardOutput): ForwardPresenter {
  if (mode === 'json') return jsonPresenter();
  if (mode === 'text') return textPresenter();
  return mode === 'xterm' ? terminalPresenter() : { onStatus() {}, onConnection() {}, end() {} };
}

/** Connections that come and go within this many ms are printed in one write: each write to a pipe waits for its reader. */
const GATHER_MS = 20;

/** One JSON object a line, for programs. */
function jsonPresenter(): ForwardPresenter {
  let pending = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    if (pending !== '') process.stdout.write(pending);
    pending = '';
  };
  const print = (value: unknown): void => {
    pending += `${JSON.stringify(value)}\n`;
  };
  return {
    onStatus(status) {
      print(status);
      flush();
    },
    onConnection(connection) {
      print(connection);
      timer ??= setTimeout(flush, GATHER_MS);
    },
    end: flush,
  };
}

/** A line for each change of state; nothing for each connection. */
function textPresenter(): ForwardPresenter {
  return {
    onStatus(status) {
      process.stdout.write(`${describe(status)}\n`);
    },
    onConnection({ error, stream_id }) {
      if (error !== undefined) process.stderr.write(`stream ${stream_id}: ${error.code}: ${error.message}\n`);
    },
    end() {},
  };
}

/** State and number of connections on one line that is written over. */
function terminalPresenter(): ForwardPresenter {
  const { stdout } = process;
  const active = new Set<string>();
  let total = 0;
  let shown: ForwardStatus | undefined;
  const line = (): void => {
    if (shown?.status !== 'online') return;
    stdout.write(`\r\u001B[K${styleText('green', '● online', { stream: stdout })}  ${active.size} open, ${total} in all  (Ctrl-C stops)`);
  };
  return {
    onStatus(status) {
      shown = status;
      stdout.write(`\r\u001B[K${describe(status)}\n`);
      line();
    },
    onConnection({ active: opened, stream_id, error }) {
      if (opened) {
        active.add(stream_id);
        total += 1;
      } else active.delete(stream_id);
      if (error !== undefined) stdout.write(`\r\u001B[K${styleText('yellow', `${error.code}: ${error.message}`, { stream: stdout })}\n`);
      line();
    },
    end() {
      stdout.write('\r\u001B[K');
    },
  };
}

function describe({ status, forwarding, forwarded, error, retry_in_ms, update }: ForwardStatus): string {
  const notice = update === undefined ? '' : `\nupdate: ${printable(update)}`;
  if (status === 'online') return `${forwarding ?? ''} -> ${forwarded}${notice}`;
  const reason = error === undefined || status.includes(error.message) ? '' : ` (${error.message})`;
  const again = retry_in_ms === undefined ? '' : `, next try in ${(retry_in_ms / 1000).toFixed(1)} s`;
  return printable(`${status}${reason}${again}`);
}
