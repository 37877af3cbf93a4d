import { enableCompileCache } from 'node:module';
import { createProgram, describeError } from './commands/program.ts';

enableCompileCache();

try {
  await createProgram().parseAsync();
} catch (error) {
  process.stderr.write(describeError(error));
  process.exitCode = 1;
}
