import { canonicalJson, HostError } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { RelayItem } from '../relay.ts';
import { hasHidden } from '@modelhost/shown-text';
import { cleanJson } from './clean-json.ts';
import { compare } from './listed-tools.ts';

/** What may be offered of one item, and the item as it was listed. */
export interface ReadItem {
  readonly key: string;
  readonly raw: JsonObject;
  readonly item: RelayItem;
}

const itemsMax = 2_048;
const keyLengthMax = 2_048;

/**
 * Prompts, resources or templates as they may be offered: each once, sorted by `key`, which is the member that names
 * them. One that cannot be named, or not without hidden characters, is left out, and all beyond 2,048.
 */
export function readListedItems(
  alias: string,
  listed: readonly JsonObject[],
  { key, log }: { readonly key: string; readonly log: (message: string) => void },
): readonly ReadItem[] {
  const items = new Map<string, ReadItem>();
  for (const item of listed) {
    const name = item[key];
    if (typeof name !== 'string' || name === '' || name.length > keyLengthMax || hasHidden(name)) {
      log(`one of what it lists has no usable ${key} and is left out`);
    } else if (items.has(name)) {
      log(`the ${key} ${JSON.stringify(name)} is listed twice and the first one stays`);
    } else if (items.size >= itemsMax) {
      log(`it lists more than ${itemsMax} with a ${key}: the rest is left out`);
      break;
    } else {
      const cleaned = clean(item);
      if (cleaned === undefined) log(`${JSON.stringify(name)} cannot be used and is left out`);
      else items.set(name, { key: name, raw: item, item: { alias, listed: cleaned } });
    }
  }
  return [...items].sort(([left], [right]) => compare(left, right)).map(([, item]) => item);
}

/** Capabilities or an item without hidden characters; undefined for what has them in a name, or is nested too deeply. */
export function clean(value: JsonObject): JsonObject | undefined {
  try {
    canonicalJson(value);
    return cleanJson(value);
  } catch (cause) {
    if (cause instanceof HostError || cause instanceof RangeError) return undefined;
    throw cause;
  }
}
