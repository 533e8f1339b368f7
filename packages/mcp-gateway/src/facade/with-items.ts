import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';

/** Changes the objects of an array member; the same object when none changed. */
export function withItems(
  holder: JsonObject,
  key: string,
  change: (item: JsonObject) => JsonObject,
): JsonObject {
  const items = holder[key];
  if (!isArray(items)) return holder;
  let isChanged = false;
  const changed = items.map((item) => {
    if (!isJsonObject(item)) return item;
    const next = change(item);
    isChanged ||= next !== item;
    return next;
  });
  return isChanged ? { ...holder, [key]: changed } : holder;
}

function isArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
