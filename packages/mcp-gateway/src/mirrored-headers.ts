import { isUtf8 } from 'node:buffer';
import { isJsonObject } from '@modelhost/kernel';
import type { Json } from '@modelhost/kernel';

/** The member of the params that a request of 2026-07-28 repeats as `Mcp-Name`, by method. */
export const nameMembers: ReadonlyMap<string, string> = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
]);

const start = '=?base64?';
const end = '?=';

/** A text as the value of a header: what cannot stand there as it is goes as Base64 of its UTF-8, marked as such. */
export function toHeaderValue(text: string): string {
  const isPlain = /^[\t\x20-\x7e]+$/.test(text) && text.trim() === text && !isMarked(text);
  return isPlain ? text : `${start}${Buffer.from(text, 'utf8').toString('base64')}${end}`;
}

/** The text that a value of a header stands for; undefined for what is marked as Base64 and is none, or none of UTF-8. */
export function readHeaderValue(value: string): string | undefined {
  if (!isMarked(value)) return value;
  const encoded = value.slice(start.length, -end.length);
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.toString('base64') === encoded && isUtf8(bytes) ? bytes.toString() : undefined;
}

/** Whether a value of a header does not stand for itself. */
export function isMarked(value: string): boolean {
  return value.startsWith(start) && value.endsWith(end);
}

/** The argument at a path of names; undefined when there is none. */
export function valueAt(root: Json | undefined, path: readonly string[]): Json | undefined {
  let value = root;
  for (const name of path) {
    if (!isJsonObject(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}
