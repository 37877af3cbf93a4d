import { limits } from '@rstream/protocol';
import { Failure } from './failure.ts';
import { isWithin } from './locks.ts';

/** Name of a property: namespace, a space, local name. */
export const propertyName = (uri: string, local: string): string => `${uri} ${local}`;

type Properties = ReadonlyMap<string, string>;

const none: Properties = new Map();
const sizeOf = (properties: Properties): number => [...properties].reduce((sum, [name, value]) => sum + name.length + value.length, 0);

/** Properties that clients set ("dead" ones), each as the text of its element; in memory, by the key of the place. */
export class PropertyTable {
  readonly #byKey = new Map<string, Properties>();
  #size = 0;

  of(key: string): Properties {
    return this.#byKey.get(key) ?? none;
  }

  /** Sets all properties of a place. Throws 507 when they are too many or too large. */
  put(key: string, properties: Properties): void {
    const size = sizeOf(properties);
    const total = this.#size - sizeOf(this.of(key)) + size;
    const { properties: count, propertyBytes, propertyStoreBytes } = limits.webdav;
    if (properties.size > count.default || size > propertyBytes.default || total > propertyStoreBytes.default)
      throw new Failure(507, 'There is no room for more properties.');
    this.#size = total;
    if (properties.size === 0) this.#byKey.delete(key);
    else this.#byKey.set(key, properties);
  }

  /** Forgets what hangs on `key` and below. */
  remove(key: string): void {
    for (const held of this.#byKey.keys()) if (isWithin(held, key)) this.put(held, none);
  }

  /** After a copy or a move: the properties follow, and those of what was replaced are gone. What finds no room is left behind. */
  transfer(from: string, to: string, how: 'copy' | 'move'): void {
    this.remove(to);
    const concerned = [...this.#byKey].filter(([key]) => isWithin(key, from));
    for (const [key, properties] of concerned) {
      if (how === 'move') this.put(key, none);
      try {
        this.put(`${to}${key.slice(from.length)}`, properties);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
      }
    }
  }
}
