/**
 * A test for names: `*` stands for any characters and `?` for one. It takes one step back at most for each character of the name and the
 * pattern, so that no pattern is slow.
 */
export function globTest(pattern: string, ignoreCase: boolean): (name: string) => boolean {
  const wanted = Array.from(ignoreCase ? pattern.toLowerCase() : pattern);
  return (name) => matches(wanted, Array.from(ignoreCase ? name.toLowerCase() : name));
}

function matches(pattern: readonly string[], name: readonly string[]): boolean {
  let [at, index] = [0, 0];
  let [star, resume] = [-1, 0];
  while (index < name.length) {
    if (pattern[at] === '*') {
      star = at;
      resume = index;
      at += 1;
    } else if (pattern[at] === '?' || pattern[at] === name[index]) {
      at += 1;
      index += 1;
    } else if (star >= 0) {
      at = star + 1;
      resume += 1;
      index = resume;
    } else return false;
  }
  while (pattern[at] === '*') at += 1;
  return at === pattern.length;
}
