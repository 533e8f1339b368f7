import type { Json, JsonObject } from '@modelhost/kernel';
import { isJsonObject } from '@modelhost/kernel';
import { schemaBounds } from './bounds.ts';

/** Type of an argument as policy sees it. */
export type ArgumentType =
  | { readonly type: 'string' }
  | { readonly type: 'long' }
  | { readonly type: 'decimal' }
  | { readonly type: 'boolean' }
  | { readonly type: 'set'; readonly element: ArgumentType }
  | RecordType;

/** Type of an object. Members that are not listed are invisible to policy. */
export interface RecordType {
  readonly type: 'record';
  readonly members: ReadonlyMap<string, RecordMember>;
}

interface RecordMember {
  readonly value: ArgumentType;
  readonly isRequired: boolean;
}

/** Keys that Cedar reads as an entity or extension value, or JavaScript as a prototype. */
export const refusedKeys: ReadonlySet<string> = new Set([
  '__entity',
  '__extn',
  '__expr',
  '__proto__',
]);

/**
 * What policy sees of a tool's arguments. A part whose type is not certain (several types, null, a reference, tuples,
 * too deep) is left out.
 */
export function readArgumentType(inputSchema: JsonObject): RecordType {
  const budget = { propertiesLeft: schemaBounds.properties };
  return readRecord(inputSchema, schemaBounds.depth, budget);
}

interface SchemaBudget {
  propertiesLeft: number;
}

function readType(
  schema: Json | undefined,
  depthLeft: number,
  budget: SchemaBudget,
): ArgumentType | undefined {
  if (!isJsonObject(schema) || depthLeft === 0 || '$ref' in schema) return undefined;
  const type = schema['type'] ?? typeOfEnum(schema);
  if (typeof type !== 'string') return undefined;
  switch (type) {
    case 'string':
      return { type: 'string' };
    case 'integer':
      return { type: 'long' };
    case 'number':
      return { type: 'decimal' };
    case 'boolean':
      return { type: 'boolean' };
    case 'array': {
      // With tuples the items differ from place to place, which a set cannot say.
      if ('prefixItems' in schema) return undefined;
      const element = readType(schema['items'], depthLeft - 1, budget);
      return element === undefined ? undefined : { type: 'set', element };
    }
    case 'object':
      return readRecord(schema, depthLeft, budget);
  }
  return undefined;
}

function typeOfEnum(schema: JsonObject): 'string' | undefined {
  const values = Array.isArray(schema['enum']) ? schema['enum'] : [schema['const']];
  return values.length > 0 && values.every((value) => typeof value === 'string')
    ? 'string'
    : undefined;
}

function readRecord(schema: JsonObject, depthLeft: number, budget: SchemaBudget): RecordType {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const members = new Map<string, RecordMember>();
  for (const name of Object.keys(properties).sort()) {
    if (refusedKeys.has(name) || budget.propertiesLeft === 0) continue;
    budget.propertiesLeft -= 1;
    const value = readType(properties[name], depthLeft - 1, budget);
    if (value !== undefined) members.set(name, { value, isRequired: required.includes(name) });
  }
  return { type: 'record', members };
}
