/**
 * What a power cut may take. `full`: nothing that was answered. `rename`: the last changes of names, so that the old content is back;
 * never a mixture. `none`: the system writes when it likes; content that was answered may be lost.
 */
export type Durability = 'full' | 'rename' | 'none';

/** True when the bytes of a file are on the disk before it takes its place. */
export const keepsContent = (durability: Durability): boolean => durability !== 'none';

/** True when a folder's names are on the disk before a change is answered. */
export const keepsNames = (durability: Durability): boolean => durability === 'full';
