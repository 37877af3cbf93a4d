import type { MessageOf } from '@rstream/protocol/webtty';

type Control = MessageOf<'control'>;

/** A message about who controls a session. */
export function controlMessage(parts: Partial<Omit<Control, 'kind'>>): Control {
  return { kind: 'control', action: 0, viewer: 0, role: 0, keepMs: 0, tenure: 0, stdinWindow: 0, ...parts };
}
