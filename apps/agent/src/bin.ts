import { closeInheritedDescriptors } from './inherited-descriptors.ts';

/** Descriptors that our parent meant us to have: its message channel, and what an argument names as `/dev/fd/N`. */
const meant = [process.env['NODE_CHANNEL_FD'], ...process.argv.map((word) => /\/fd\/(\d+)$/.exec(word)?.[1])];
closeInheritedDescriptors(new Set(meant.filter((descriptor) => descriptor !== undefined)));

const { main } = await import('./program.ts');
process.exitCode = await main(process.argv.slice(2));
