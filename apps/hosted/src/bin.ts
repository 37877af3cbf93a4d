import { enableCompileCache } from 'node:module';
import { toRstreamError } from '@rstream/protocol';
import { createProgram } from './commands/program.ts';

enableCompileCache();

try {
  await createProgram().parseAsync();
} catch (error) {
  const { code, message, next } = toRstreamError(error);
  process.stderr.write(`rstream-hosted: ${message} [${code}]\n  ${next}\n`);
  process.exitCode = 1;
}
