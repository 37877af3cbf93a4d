/**
 * The readings of a request path that a service might act on: as sent, and decoded with dot segments resolved. A token that is
 * limited to a path must allow every one of them, so that `/public/..%2fadmin` opens nothing that `/admin` would not.
 */
export function pathReadings(target: string): readonly string[] {
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  if (!/[%\\;]|\/\.{1,2}(?:\/|$)|\/\//.test(path)) return [path];
  return [...new Set([path, ...[decode(path), decode(decode(path))].map(resolve)])];
}

function decode(path: string): string {
  return path.replace(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

function resolve(path: string): string {
  const resolved: string[] = [];
  for (const segment of path.replaceAll('\\', '/').split('/')) {
    // Path parameters (`/..;x/`) are dropped by several servers before they resolve dots.
    const name = segment.split(';')[0] ?? '';
    if (name === '..') resolved.pop();
    else if (name !== '.' && name !== '') resolved.push(name);
  }
  return `/${resolved.join('/')}`;
}
