import { configJsonSchema } from './schema.ts';
import type { KnownKeys } from './source.ts';

let root: unknown;

/** Reads the schema when it is first asked: most files have no key of which there is a doubt. */
export const knownKeys: KnownKeys = (path) => {
  root ??= configJsonSchema();
  let schema = root;
  for (const part of path) {
    const properties = memberOf(schema, 'properties');
    schema =
      memberOf(properties, String(part)) ??
      memberOf(schema, 'items') ??
      memberOf(schema, 'additionalProperties');
  }
  return Object.keys(Object(memberOf(schema, 'properties') ?? {}));
};

function memberOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  // It has the key, and what it holds is looked at as unknown.
  return (value as Readonly<Record<string, unknown>>)[key];
}
