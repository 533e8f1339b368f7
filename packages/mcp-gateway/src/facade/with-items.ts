import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import { isJsonArray } from '../json-array.ts';

/** Changes the objects of an array member; the same object when none changed. */
export function withItems(
  holder: JsonObject,
  key: string,
  change: (item: JsonObject) => JsonObject,
): JsonObject {
  const items = holder[key];
  if (!isJsonArray(items)) return holder;
  let isChanged = false;
  const changed = items.map((item) => {
    if (!isJsonObject(item)) return item;
    const next = change(item);
    isChanged ||= next !== item;
    return next;
  });
  return isChanged ? { ...holder, [key]: changed } : holder;
}
