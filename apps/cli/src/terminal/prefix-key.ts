import { usage } from '../option.ts';

const CONTROL_BITS = 0x1f;

/** The byte that a key such as `ctrl-]` sends. Throws a usage error for anything else. */
export function parseDetachKey(name: string): number {
  const key = /^(?:ctrl-|\^)([a-z[\\\]^_])$/i.exec(name)?.[1];
  if (key === undefined) throw usage(`"${name}" is not a key such as ctrl-] or ^p.`);
  return key.toUpperCase().charCodeAt(0) & CONTROL_BITS;
}
