import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** The two hosts of one folder, as clients of the gateway write it and as the device does. Paths are the same on both sides. */
export interface Hosts {
  /** Host and port that the client named. */
  readonly here: string;
  readonly device: string;
}

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/** Headers that end at a proxy: the fixed ones, and those that `Connection` names. */
function isHop(name: string, connection: string): boolean {
  return (
    hopByHop.has(name) ||
    connection
      .toLowerCase()
      .split(',')
      .some((item) => item.trim() === name)
  );
}

/** A URL or path that a client wrote, as the device would. Undefined when it is on another server. */
export function toDevice(address: string, { here, device }: Hosts): string | undefined {
  if (address.startsWith('/')) return address.startsWith('//') ? undefined : address;
  const [, authority = '', path = ''] = /^https?:\/\/([^/?#]*)(\/.*)?$/i.exec(address) ?? [];
  return authority !== '' && authority.toLowerCase() === here.toLowerCase() ? `http://${device}${path}` : undefined;
}

/** Headers of a request on their way to the device. Undefined when one of them names another server. */
export function requestHeaders(headers: IncomingHttpHeaders, hosts: Hosts): OutgoingHttpHeaders | undefined {
  const connection = headers.connection ?? '';
  const passed: OutgoingHttpHeaders = {};
  for (const [name, value] of Object.entries(headers)) {
    // Who may come in here is nothing to the device, and a browser's origin neither.
    if (isHop(name, connection) || ['host', 'authorization', 'cookie', 'origin', 'referer'].includes(name)) continue;
    if (value !== undefined) passed[name] = value;
  }
  // A body whose length is not told stays one.
  if (headers['transfer-encoding'] !== undefined) passed['transfer-encoding'] = 'chunked';
  const { destination } = headers;
  if (typeof destination === 'string') {
    const there = toDevice(destination, hosts);
    if (there === undefined) return undefined;
    passed['destination'] = there;
  }
  const condition = headers['if'];
  if (typeof condition === 'string')
    passed['if'] = condition.replace(/<((?:https?:\/)?\/[^>]*)>/gi, (whole, url: string) => {
      const there = toDevice(url, hosts);
      return there === undefined ? whole : `<${there}>`;
    });
  return passed;
}

/** Headers of an answer on their way to the client. */
export function answerHeaders(headers: IncomingHttpHeaders, { here, device }: Hosts): OutgoingHttpHeaders {
  const connection = headers.connection ?? '';
  const passed = Object.fromEntries(Object.entries(headers).filter(([name, value]) => !isHop(name, connection) && value !== undefined));
  const { location } = headers;
  if (location?.startsWith(`http://${device}/`) === true) passed['location'] = `http://${here}${location.slice(`http://${device}`.length)}`;
  return passed;
}
