import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';

type Change = (text: string) => string;

/** The same JSON with every text in it changed, keys left alone. */
export function mapTexts(value: JsonObject, change: Change): JsonObject {
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, mapJson(item, change)]),
  );
}

/** The same for any value. */
export function mapJson(value: Json, change: Change): Json {
  if (typeof value === 'string') return change(value);
  if (typeof value !== 'object' || value === null) return value;
  return isJsonObject(value)
    ? mapTexts(value, change)
    : value.map((item: Json) => mapJson(item, change));
}

/** The names of all members, at any depth. */
export function namesIn(value: Json): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (!isJsonObject(value)) return value.flatMap((item: Json) => namesIn(item));
  return Object.entries(value).flatMap(([name, item]) => [name, ...namesIn(item)]);
}
