import { Failure } from '../failure.ts';

/** A whole number from 0 to `most`; undefined when it is absent. Throws 400. */
export function numberIn(parameters: URLSearchParams, name: string, most: number = Number.MAX_SAFE_INTEGER): number | undefined {
  const text = parameters.get(name);
  if (text === null) return undefined;
  if (!/^\d{1,16}$/.test(text)) throw new Failure(400, `The parameter ${name} is not a whole number.`);
  return Math.min(Number(text), most);
}

/** One of some words; undefined when it is absent. Throws 400. */
export function wordIn<const Word extends string>(parameters: URLSearchParams, name: string, words: readonly Word[]): Word | undefined {
  const text = parameters.get(name);
  if (text === null) return undefined;
  const word = words.find((each) => each === text);
  if (word === undefined) throw new Failure(400, `The parameter ${name} is none of ${words.join(', ')}.`);
  return word;
}

/** A short text; undefined when it is absent or empty. Throws 400. */
export function textIn(parameters: URLSearchParams, name: string, mostCharacters: number): string | undefined {
  const text = parameters.get(name) ?? '';
  if (text.length > mostCharacters) throw new Failure(400, `The parameter ${name} is longer than ${mostCharacters} characters.`);
  return text === '' ? undefined : text;
}

/** True for `1`. Throws 400 for anything but `1` and `0`. */
export const flagIn = (parameters: URLSearchParams, name: string): boolean => wordIn(parameters, name, ['0', '1']) === '1';
