import type { Json } from '@modelhost/kernel';

/** Whether a value of JSON is a list: `Array.isArray` alone forgets of what. */
export function isJsonArray(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}
