import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject, Redactor } from '@modelhost/kernel';

/** An object of no session without what is hidden always; the very same one where nothing is found. */
export function hideObject(redactor: Redactor, value: JsonObject): JsonObject {
  const step = redactor.open({ tenant: '', sessionId: 'host' }).step();
  const hidden = step.redactJson(value, {});
  const isFound = Object.keys(step.found()).length > 0;
  return isFound && isJsonObject(hidden) ? hidden : value;
}
