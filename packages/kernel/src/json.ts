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
  if (depthMax < 0) throw new RangeError('JSON is nested too deeply');
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  let text = '';
  if (!isJsonObject(value)) {
    for (const item of value) text += `${text && ','}${canonicalJson(item, depthMax - 1)}`;
    return `[${text}]`;
  }
  for (const key of Object.keys(value).sort()) {
    text += `${text && ','}${JSON.stringify(key)}:${canonicalJson(value[key] ?? null, depthMax - 1)}`;
  }
  return `{${text}}`;
}

/** SHA-256 of a UTF-8 text, in lower-case hex (64 characters). */
export function sha256Hex(text: string): string {
  return hash('sha256', text, 'hex');
}
