/** What a person chose, kept in this browser. */
export interface Preferences {
  readonly fontSize: number;
  readonly screenReader: boolean;
  /** The bar of keys; undefined: where there is a touch screen. */
  readonly keyBar: boolean | undefined;
}

const NAME = 'rstream.preferences';
const SMALLEST_FONT = 6;
const LARGEST_FONT = 40;
export const standardPreferences: Preferences = { fontSize: 14, screenReader: false, keyBar: undefined };

export function readPreferences(storage: Pick<Storage, 'getItem'>): Preferences {
  try {
    const kept = JSON.parse(storage.getItem(NAME) ?? '{}') as Partial<Record<keyof Preferences, unknown>>;
    const { fontSize, screenReader, keyBar } = kept;
    return {
      fontSize: usableFont(typeof fontSize === 'number' ? fontSize : standardPreferences.fontSize),
      screenReader: screenReader === true,
      keyBar: typeof keyBar === 'boolean' ? keyBar : undefined,
    };
  } catch {
    return standardPreferences;
  }
}

export function keepPreferences(preferences: Preferences, storage: Pick<Storage, 'setItem'>): void {
  storage.setItem(NAME, JSON.stringify(preferences));
}

export const usableFont = (size: number): number => Math.min(Math.max(Math.round(size), SMALLEST_FONT), LARGEST_FONT);
