import { limits } from '@rstream/protocol/limits';
import type { LinkState, OpenCommandOptions, Reconnect } from '@rstream/webtty-client';
import type { Operator } from '../operator/operator.ts';

/** A device that is dialled for a session, and dialled again when its connection is lost. */
export interface Device {
  /** `rstrm://NAME[/path]`, as results show it. */
  readonly url: string;
  readonly connect: Reconnect;
}

/** @param dialled what to dial in place of `url`, such as the id of its tunnel, which means one device only */
export function deviceAt(operator: Operator, url: string, dialled = url): Device {
  return { url, connect: (signal) => operator.dialDevice(dialled, signal) };
}

/** How a command survives the loss of its connection. */
export function resumable({ url, connect }: Device): Pick<OpenCommandOptions, 'reconnect' | 'resumeMs' | 'onLink'> {
  return { reconnect: connect, resumeMs: limits.webtty.commandResume.default, onLink: linkTeller(url) };
}

/** Tells a person, and nobody else, that the connection is lost and that it is back. */
function linkTeller(url: string): (state: LinkState) => void {
  let isLost = false;
  return ({ state }) => {
    const wasLost = isLost;
    isLost = state === 'lost';
    if (process.stderr.isTTY && isLost !== wasLost) {
      process.stderr.write(`rstream: the connection to ${url} ${isLost ? 'was lost; trying again' : 'is back'}\n`);
    }
  };
}
