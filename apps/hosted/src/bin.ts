import { createProgram, describeError } from './commands/program.ts';

try {
  await createProgram().parseAsync();
} catch (error) {
  process.stderr.write(describeError(error));
  process.exitCode = 1;
}
