import { createProgram, describeError, failureOf } from './commands/program.ts';

const argv = process.argv.slice(2);

// The bundle is CommonJS, which has no top-level await.
createProgram()
  .parseAsync(argv, { from: 'user' })
  .catch((error: unknown) => {
    const failure = failureOf(error);
    if (failure !== undefined) {
      process.stderr.write(describeError(failure, argv));
      process.exitCode = failure.code === 'ERR_RSTREAM_USAGE' ? 2 : 1;
    }
  });
