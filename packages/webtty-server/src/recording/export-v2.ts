import { seconds } from './cast.ts';
import { readRecording } from './read.ts';

/** A recording as lines of asciicast v2: absolute times. Which output came from the error stream is lost. */
export async function* exportV2(path: string): AsyncGenerator<string> {
  const { header, events } = await readRecording(path);
  const { term, timestamp, command, title, rstream } = header;
  const env = term.type === undefined ? undefined : { TERM: term.type };
  yield `${JSON.stringify({ version: 2, width: term.cols, height: term.rows, timestamp, command, title, env, rstream })}\n`;
  for await (const { at, code, data } of events) yield `[${seconds(at)},${JSON.stringify(code)},${JSON.stringify(data)}]\n`;
}
