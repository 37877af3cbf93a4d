import { createProgram, describeError } from './commands/program.ts';

// The bundle is CommonJS, which has no top-level await.
void createProgram()
  .parseAsync()
  .catch((error: unknown) => {
    process.stderr.write(describeError(error));
    process.exitCode = 1;
  });
