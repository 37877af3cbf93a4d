import { limits } from '@rstream/protocol';
import { fileRowsType } from '@rstream/protocol/files';
import { writeOut } from '../body.ts';
import type { Exchange } from '../exchange.ts';

/** Writes and waits for the client, but not for ever: one that takes nothing is cut. */
export async function writePatiently({ response }: Exchange, data: string | Uint8Array): Promise<void> {
  const timer = setTimeout(() => response.destroy(), limits.webdav.queryStall.default);
  try {
    await writeOut(response, data);
  } finally {
    clearTimeout(timer);
  }
}

const WRITE_CHARACTERS = 65_536;
/** Rows that wait are sent after this time, ms. */
const WRITE_DELAY = 200;

/** The rows of an answer: JSON, one a line, written together and never more than the client takes. */
export class Rows {
  readonly #exchange: Exchange;
  #text = '';
  #lastWrite = performance.now();

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    exchange.response.writeHead(200, { 'content-type': fileRowsType });
  }
  /** True when `flush` is due. */
  add(row: object): boolean {
    this.#text += `${JSON.stringify(row)}\n`;
    return this.isDue;
  }
  get isDue(): boolean {
    return this.#text.length > WRITE_CHARACTERS || (this.#text !== '' && performance.now() - this.#lastWrite > WRITE_DELAY);
  }
  async flush(): Promise<void> {
    const text = this.#text;
    this.#text = '';
    this.#lastWrite = performance.now();
    if (text !== '') await writePatiently(this.#exchange, text);
  }
  async end(row: object): Promise<void> {
    this.add(row);
    await this.flush();
    this.#exchange.response.end();
  }
}
