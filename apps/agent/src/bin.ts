import { closeInheritedDescriptors } from './inherited-descriptors.ts';

/** Descriptors that our parent meant us to have: its message channel, and what an argument names as `/dev/fd/N`. */
const meant = [process.env['NODE_CHANNEL_FD'], ...process.argv.map((word) => /\/fd\/(\d+)$/.exec(word)?.[1])];
closeInheritedDescriptors(new Set(meant.filter((descriptor) => descriptor !== undefined)));

// Loaded only now, because what it loads may open descriptors of its own. The bundle is CommonJS, which has no top-level await.
void import('./program.ts')
  .then(({ main }) => main(process.argv.slice(2)))
  .then((code) => {
    process.exitCode = code;
  });
