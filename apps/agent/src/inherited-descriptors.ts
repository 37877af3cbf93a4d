import { closeSync, readdirSync, readFileSync } from 'node:fs';

const CLOSE_ON_EXEC = 0o2000000;
const FIRST_OF_OURS = 3;

/**
 * Closes what a careless parent left open for this process: such descriptors would go on to every command. Node marks inherited
 * ones with low numbers itself, up to the first gap, and opens all of its own with close-on-exec; so one without that mark came
 * from outside. Linux only; call it first. `keep`: numbers still needed.
 */
export function closeInheritedDescriptors(keep: ReadonlySet<string>): void {
  for (const name of listDescriptors()) {
    const descriptor = Number(name);
    if (descriptor < FIRST_OF_OURS || keep.has(name) || !isInherited(name)) continue;
    try {
      closeSync(descriptor);
    } catch {
      // It was the one that listed the directory.
    }
  }
}

function listDescriptors(): string[] {
  try {
    return readdirSync('/proc/self/fd');
  } catch {
    return [];
  }
}

function isInherited(descriptor: string): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1];
    return flags !== undefined && (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
  } catch {
    return false;
  }
}
