import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';

/** A field that is a text; anything else counts as absent. */
export function readText(value: JsonObject | undefined, key: string): string | undefined {
  const field = value?.[key];
  return typeof field === 'string' ? field : undefined;
}

/** A field that is an object; anything else counts as absent. */
export function readObject(value: JsonObject | undefined, key: string): JsonObject | undefined {
  const field = value?.[key];
  return isJsonObject(field) ? field : undefined;
}

/** The objects of a list; other items, and a field that is no list, count as absent. */
export function readObjects(value: JsonObject | undefined, key: string): readonly JsonObject[] {
  const field: Json | undefined = value?.[key];
  return Array.isArray(field) ? field.filter((item) => isJsonObject(item)) : [];
}

/** A field that is a count: a whole number of at least 0; anything else counts as absent. */
export function readCount(value: JsonObject | undefined, key: string): number | undefined {
  const field = value?.[key];
  return typeof field === 'number' && Number.isSafeInteger(field) && field >= 0 ? field : undefined;
}

/** JSON text as a value, or undefined where it is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch {
    return undefined;
  }
}
