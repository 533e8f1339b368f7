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
  /** Never where null is allowed, since null is as good as absent. */
  readonly isRequired: boolean;
  readonly isNullable: boolean;
}

/** Keys that Cedar reads as an entity or extension value, or JavaScript as a prototype. */
export const refusedKeys: ReadonlySet<string> = new Set([
  '__entity',
  '__extn',
  '__expr',
  '__proto__',
]);

/**
 * What policy sees of a tool's arguments. A part whose type is not certain (several types, a reference that leads out of
 * the schema or in a circle, tuples, too deep) is left out.
 */
export function readArgumentType(inputSchema: JsonObject): RecordType {
  const reading = { root: inputSchema, propertiesLeft: schemaBounds.properties };
  return readRecord(inputSchema, schemaBounds.depth, reading);
}

/** What is known while a schema is read. */
interface SchemaReading {
  /** What references point into. */
  readonly root: JsonObject;
  propertiesLeft: number;
}

interface TypeReading {
  readonly type: ArgumentType;
  readonly isNullable: boolean;
}

function readNullableType(
  schema: Json | undefined,
  depthLeft: number,
  reading: SchemaReading,
): TypeReading | undefined {
  if (!isJsonObject(schema) || depthLeft === 0) return undefined;
  if ('$ref' in schema) {
    const target = targetOf(schema, reading.root);
    return target === undefined ? undefined : readNullableType(target, depthLeft - 1, reading);
  }
  const other = besideNull(schema);
  const type = readType(other ?? schema, depthLeft - (other === undefined ? 0 : 1), reading);
  return type === undefined ? undefined : { type, isNullable: other !== undefined };
}

/** What else may stand beside a reference: words that say nothing about the type. */
const remarks = ['$ref', 'title', 'description', 'default', 'examples', 'deprecated'];

function targetOf(schema: JsonObject, root: JsonObject): Json | undefined {
  const { $ref: reference } = schema;
  const isPlain = Object.keys(schema).every((key) => remarks.includes(key));
  if (!isPlain || typeof reference !== 'string' || !reference.startsWith('#/')) return undefined;
  let target: Json | undefined = root;
  for (const step of reference.slice(2).split('/')) {
    // Escaped names could be resolved, but no tool seen so far has any.
    if (/[~%]/.test(step) || !isJsonObject(target) || !Object.hasOwn(target, step)) {
      return undefined;
    }
    target = target[step];
  }
  return target;
}

/** The schema of what is no null, where null is the one alternative to it. */
function besideNull(schema: JsonObject): JsonObject | undefined {
  const { type } = schema;
  if (Array.isArray(type)) {
    const names: readonly Json[] = type;
    const others = names.filter((name) => name !== 'null');
    const [other] = others;
    if (names.length !== 2 || others.length !== 1 || other === undefined) return undefined;
    return { ...schema, type: other };
  }
  const choices = schema['anyOf'] ?? schema['oneOf'];
  if (type !== undefined || !Array.isArray(choices) || choices.length !== 2) return undefined;
  const isNull = (choice: Json): boolean =>
    isJsonObject(choice) && choice['type'] === 'null' && Object.keys(choice).length === 1;
  const alternatives: readonly Json[] = choices;
  const others = alternatives.filter((choice) => !isNull(choice));
  const [other] = others;
  return others.length === 1 && isJsonObject(other) ? other : undefined;
}

function readType(
  schema: Json | undefined,
  depthLeft: number,
  reading: SchemaReading,
): ArgumentType | undefined {
  if (!isJsonObject(schema) || depthLeft <= 0) return undefined;
  if ('$ref' in schema) {
    return readType(targetOf(schema, reading.root), depthLeft - 1, reading);
  }
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
      const element = readType(schema['items'], depthLeft - 1, reading);
      return element === undefined ? undefined : { type: 'set', element };
    }
    case 'object':
      return readRecord(schema, depthLeft, reading);
  }
  return undefined;
}

function typeOfEnum(schema: JsonObject): 'string' | undefined {
  const values = Array.isArray(schema['enum']) ? schema['enum'] : [schema['const']];
  return values.length > 0 && values.every((value) => typeof value === 'string')
    ? 'string'
    : undefined;
}

function readRecord(schema: JsonObject, depthLeft: number, reading: SchemaReading): RecordType {
  const properties = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'] : [];
  const members = new Map<string, RecordMember>();
  for (const name of Object.keys(properties).sort()) {
    const isReadable = name.isWellFormed() && !refusedKeys.has(name);
    if (!isReadable || reading.propertiesLeft === 0) continue;
    reading.propertiesLeft -= 1;
    const value = readNullableType(properties[name], depthLeft - 1, reading);
    if (value === undefined) continue;
    const { type, isNullable } = value;
    const isRequired = required.includes(name) && !isNullable;
    members.set(name, { value: type, isRequired, isNullable });
  }
  return { type: 'record', members };
}
