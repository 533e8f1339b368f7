import { hash } from 'node:crypto';

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** A JSON object with own, enumerable keys only. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Whether a parsed JSON value is an object (not null, not an array). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Canonical JSON text: keys sorted by UTF-16 code units, no white space (RFC 8785 for values that came from `JSON.parse`).
 * Throws `RangeError` past 64 levels, so that no input can exhaust the stack.
 */
export function canonicalJson(value: Json, depthMax = 64): string {
  const sorted = sortMembers(value, depthMax);
  // Writing all of it at once takes half the time.
  return sorted === undefined ? joinMembers(value) : JSON.stringify(sorted);
}

/** The same value with its members in order; undefined where an object would not keep them in it. */
function sortMembers(value: Json, depthMax: number): Json | undefined {
  if (depthMax < 0) throw new RangeError('JSON is nested too deeply');
  if (typeof value !== 'object' || value === null) return value;
  let isKept = true;
  if (!isJsonObject(value)) {
    const items: Json[] = [];
    for (const item of value) {
      const sorted = sortMembers(item, depthMax - 1);
      if (sorted === undefined) isKept = false;
      else items.push(sorted);
    }
    return isKept ? items : undefined;
  }
  const members: { [key: string]: Json } = {};
  for (const key of Object.keys(value).sort()) {
    const sorted = sortMembers(value[key] ?? null, depthMax - 1);
    if (sorted === undefined || !keepsPlace(key)) isKept = false;
    else members[key] = sorted;
  }
  return isKept ? members : undefined;
}

/** A number as a key comes before all others, whenever it is added, and `__proto__` is no member like the others. */
function keepsPlace(key: string): boolean {
  const first = key.charCodeAt(0);
  return !(first >= 0x30 && first <= 0x39) && key !== '__proto__';
}

/** Of a value that is known to be no deeper than it may be. */
function joinMembers(value: Json): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (!isJsonObject(value)) return `[${value.map(joinMembers).join(',')}]`;
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${joinMembers(value[key] ?? null)}`);
  return `{${members.join(',')}}`;
}

/** SHA-256 of a UTF-8 text, in lower-case hex (64 characters). */
export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex');
}
