import { RstreamError } from '@rstream/protocol';
import { askSystem } from './ask-program.ts';
import { notExecutable, notFound } from './executable.ts';

/** Enters a directory, and names the first of the files that can be run: with the rights of whoever runs this. */
const SCRIPT = `
cd -- "$1" 2>/dev/null || { echo workdir; exit 0; }
shift
found=missing
number=0
for file do
  if [ -f "$file" ] && [ -x "$file" ]; then found=$number; break; fi
  [ -e "$file" ] && found=blocked
  number=$((number + 1))
done
echo "$found"
pwd -P`;

export interface ViewedCommand {
  readonly program: string;
  readonly cwd: string;
  readonly candidates: readonly string[];
}

/** What an account finds: the program, and where the directory really is. */
export interface AccountView {
  readonly file: string;
  readonly directory: string;
}

/**
 * Looks at the machine as another account: mode bits seen by root say little about it, and root would tell what the account may
 * not know.
 *
 * @throws RstreamError `ERR_RSTREAM_COMMAND_WORKDIR`, `_NOT_FOUND`, `_NOT_EXECUTABLE`, `_FAILED_TO_START`.
 */
export async function viewAs(entry: readonly string[], { program, cwd, candidates }: ViewedCommand): Promise<AccountView> {
  const { code, output } = await askSystem([...entry, '--chdir=/', 'sh', '-c', SCRIPT, 'sh', cwd, ...candidates]);
  const end = output.indexOf('\n');
  if (code !== 0 || end < 0) {
    throw new RstreamError('ERR_RSTREAM_COMMAND_FAILED_TO_START', 'The account of the command could not be entered.');
  }
  const found = output.slice(0, end);
  if (found === 'workdir') throw cannotEnter(cwd);
  const file = /^\d+$/.test(found) ? candidates[Number(found)] : undefined;
  if (file !== undefined) return { file, directory: output.slice(end + 1).replace(/\n$/, '') };
  throw found === 'blocked' ? notExecutable(program) : notFound(program);
}

/** One answer for a directory that is not there and one that is closed to the account. */
export function cannotEnter(cwd: string): RstreamError {
  return new RstreamError(
    'ERR_RSTREAM_COMMAND_WORKDIR',
    `${cwd.slice(0, 200)}: not a directory that the account of the command can enter.`,
  );
}
