import { RstreamError } from '@rstream/protocol';
import { limits } from '@rstream/protocol/limits';
import { SaxesParser } from 'saxes';

/** One `DAV:response` as it was written. */
export interface DavResponse {
  readonly href: string;
  /** Status of the response as a whole; undefined when its properties have their own. */
  readonly status: number | undefined;
  readonly isFolder: boolean;
  /** Text of properties by local name, of those that were found. */
  readonly properties: ReadonlyMap<string, string>;
}

const malformed = (cause?: unknown): RstreamError =>
  new RstreamError('ERR_RSTREAM_FILE_STATUS', 'The device sent a listing that cannot be read.', { cause });

/** Responses of a multistatus body as they come in: a listing of any length takes no more memory than one of them. */
export async function* parseMultistatus(body: AsyncIterable<Uint8Array>): AsyncGenerator<DavResponse> {
  const ready: DavResponse[] = [];
  const parser = responseParser((response) => ready.push(response));
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of body) {
      parser.write(decoder.decode(chunk, { stream: true }));
      yield* ready.splice(0);
    }
    parser.write(decoder.decode()).close();
  } catch (error) {
    throw RstreamError.is(error) ? error : malformed(error);
  }
  yield* ready.splice(0);
}

function responseParser(onResponse: (response: DavResponse) => void): SaxesParser<{ xmlns: true }> {
  const parser = new SaxesParser({ xmlns: true });
  const open: string[] = [];
  let text = '';
  let href = '';
  let status: number | undefined;
  let isFolder = false;
  let properties = new Map<string, string>();
  let pending = new Map<string, string>();
  const refuse = (cause?: unknown): never => {
    throw malformed(cause);
  };
  parser.on('error', refuse);
  parser.on('doctype', () => refuse());
  parser.on('opentag', ({ local }) => {
    if (open.length >= limits.webdav.xmlDepth.default) refuse();
    open.push(local);
    text = '';
    if (local === 'response') [href, status, isFolder, properties] = ['', undefined, false, new Map()];
    if (local === 'propstat') pending = new Map();
    if (local === 'collection' && open.at(-2) === 'resourcetype') isFolder = true;
  });
  const onText = (more: string): void => {
    text += more;
    if (text.length > limits.files.rowBytes.default) refuse();
  };
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('closetag', () => {
    const local = open.pop() ?? '';
    const parent = open.at(-1);
    if (local === 'href' && parent === 'response') href = text.trim();
    else if (parent === 'prop') pending.set(local, text);
    else if (local === 'status' && parent === 'response') status = Number(/ (\d{3})/.exec(text)?.[1]);
    else if (local === 'status' && parent === 'propstat' && / 200/.test(text)) properties = new Map([...properties, ...pending]);
    else if (local === 'response') onResponse({ href, status, isFolder, properties });
    text = '';
  });
  return parser;
}
