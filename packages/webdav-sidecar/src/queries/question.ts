import type { Entry } from '../entry.ts';
import type { Exchange } from '../exchange.ts';
import type { Place } from '../root.ts';

/** A question about a file or folder that exists and may be seen. */
export interface Query {
  readonly exchange: Exchange;
  readonly place: Place;
  readonly entry: Entry;
  readonly parameters: URLSearchParams;
}
