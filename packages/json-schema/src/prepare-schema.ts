import { HostError, isJsonObject } from '@modelhost/kernel';
import type { FieldViolation, Json, JsonObject } from '@modelhost/kernel';
import { formatPath, readPointer, toPointer } from './field-path.ts';
import type { PathToken } from './field-path.ts';
import { workKeyword } from './keywords.ts';

/** Keywords whose value is one schema; those in the second set look at the same value as their parent. */
const schemaKeywords = new Set([
  'additionalProperties',
  'contains',
  'propertyNames',
  'unevaluatedItems',
  'unevaluatedProperties',
]);
const inPlaceKeywords = new Set(['not', 'if', 'then', 'else']);
const inPlaceListKeywords = new Set(['allOf', 'anyOf', 'oneOf']);
const mapKeywords = new Set(['properties', 'patternProperties', '$defs', 'definitions']);
const assertionKeywords = new Set([
  'type',
  'enum',
  'const',
  'multipleOf',
  'maximum',
  'exclusiveMaximum',
  'minimum',
  'exclusiveMinimum',
  'maxLength',
  'minLength',
  'pattern',
  'maxItems',
  'minItems',
  'uniqueItems',
  'maxContains',
  'minContains',
  'maxProperties',
  'minProperties',
  'required',
  'dependentRequired',
]);
const refusedKeywords = new Set(['$dynamicRef', '$recursiveRef', '$vocabulary']);
const dialects =
  /^https?:\/\/json-schema\.org\/(draft-0[67]|draft\/2019-09|draft\/2020-12)\/schema#?$/;

/** How many schemas may look at the same value, one calling the other. */
const inPlaceDepthMax = 32;

const rootId = 'https://schema.invalid/';

type Path = readonly PathToken[];

/** A schema on its way: where it was, where it is in the copy, and what it leads to without going into the value. */
interface SchemaNode {
  readonly source: Path;
  readonly target: Path;
  readonly inPlace: string[];
  readonly copy: Record<string, Json>;
  readonly ref: string | undefined;
}

/** Everything that is known of a document while it is copied. */
interface Walk {
  /** By the pointer that the author would write. */
  readonly nodes: Map<string, SchemaNode>;
  /** From `$anchor` to such a pointer. */
  readonly anchors: Map<string, string>;
  /** Drafts 06 and 07 ignore what stands beside a `$ref`. */
  readonly dropsSiblings: boolean;
}

/**
 * A copy of a schema that has only keywords that mean something to validation, in the words of draft 2020-12: tuples
 * and dependencies of older drafts are translated, every `$ref` is a pointer to a schema in the copy. Throws
 * `validation_failed` for what leads out of the document, moves its base or calls itself without end.
 */
export function prepareSchema(schema: JsonObject): JsonObject {
  const dropsSiblings = readDialect(schema) === 'draft-0';
  const walk: Walk = { nodes: new Map(), anchors: new Map(), dropsSiblings };
  const prepared = copySchema(walk, schema, [], []);
  resolveReferences(walk);
  refuseEndlessCalls(walk.nodes);
  // The root is an object, and the copy of an object is an object. The id gives every reference the same base.
  return { ...(prepared as JsonObject), $id: rootId };
}

function copySchema(walk: Walk, value: Json | undefined, source: Path, target: Path): Json {
  if (typeof value === 'boolean') {
    walk.nodes.set(toPointer(source), { source, target, inPlace: [], copy: {}, ref: undefined });
    return value;
  }
  if (!isJsonObject(value)) throw refused(source, 'must be a schema: an object or true or false');
  refuseTricks(value, source);
  const copy: Record<string, Json> = {};
  const ref = readText(value, '$ref', source);
  const node: SchemaNode = { source, target, inPlace: [], copy, ref };
  walk.nodes.set(toPointer(source), node);
  const anchor = readText(value, '$anchor', source);
  if (anchor !== undefined) walk.anchors.set(anchor, toPointer(source));
  const isAlone = walk.dropsSiblings && ref !== undefined;
  for (const [keyword, content] of Object.entries(value)) {
    const isLibrary = keyword === '$defs' || keyword === 'definitions';
    if (isLibrary || !isAlone) copyKeyword(walk, node, keyword, content);
  }
  if (!isAlone) copyItems(walk, node, value);
  copy[workKeyword] = weightOf(copy);
  return copy;
}

function copyKeyword(walk: Walk, node: SchemaNode, keyword: string, content: Json): void {
  const { copy, inPlace } = node;
  const source = [...node.source, keyword];
  const target = [...node.target, keyword];
  if (assertionKeywords.has(keyword)) copy[keyword] = content;
  else if (schemaKeywords.has(keyword)) copy[keyword] = copySchema(walk, content, source, target);
  else if (inPlaceKeywords.has(keyword)) {
    inPlace.push(toPointer(source));
    copy[keyword] = copySchema(walk, content, source, target);
  } else if (inPlaceListKeywords.has(keyword)) {
    copy[keyword] = copyList(walk, content, source, target);
    for (const index of listOf(content).keys()) inPlace.push(toPointer([...source, index]));
  } else if (mapKeywords.has(keyword)) {
    copy[keyword] = copyMap(walk, content, source, target);
  } else if (keyword === 'dependentSchemas' || keyword === 'dependencies') {
    copyDependencies(walk, node, keyword, content);
  }
}

/** `items` and `prefixItems`, which older drafts called `additionalItems` and `items`. */
function copyItems(walk: Walk, { copy, source, target }: SchemaNode, value: JsonObject): void {
  const isTuple = Array.isArray(value['items']);
  const [list, rest] = isTuple ? ['items', 'additionalItems'] : ['prefixItems', 'items'];
  const listed = value[list];
  if (listed !== undefined) {
    copy['prefixItems'] = copyList(walk, listed, [...source, list], [...target, 'prefixItems']);
  }
  if (value[rest] !== undefined) {
    copy['items'] = copySchema(walk, value[rest], [...source, rest], [...target, 'items']);
  }
}

/** Drafts before 2019-09 had lists of names and schemas under one keyword. */
function copyDependencies(walk: Walk, node: SchemaNode, keyword: string, content: Json): void {
  const source = [...node.source, keyword];
  if (!isJsonObject(content)) throw refused(source, 'must be an object');
  const schemas: Record<string, Json> = {};
  const required: Record<string, Json> = {};
  for (const [key, member] of Object.entries(content)) {
    if (key === '__proto__') continue;
    if (Array.isArray(member) && keyword === 'dependencies') {
      required[key] = member;
    } else schemas[key] = member;
  }
  const target = [...node.target, 'dependentSchemas'];
  for (const key of Object.keys(schemas)) node.inPlace.push(toPointer([...source, key]));
  node.copy['dependentSchemas'] = copyMap(walk, schemas, source, target);
  if (Object.keys(required).length > 0) node.copy['dependentRequired'] ??= required;
}

function copyList(walk: Walk, content: Json, source: Path, target: Path): Json {
  if (!Array.isArray(content)) throw refused(source, 'must be a list of schemas');
  return listOf(content).map((item, index) =>
    copySchema(walk, item, [...source, index], [...target, index]),
  );
}

function copyMap(walk: Walk, content: Json, source: Path, target: Path): Json {
  if (!isJsonObject(content)) throw refused(source, 'must be an object of schemas');
  const copy: Record<string, Json> = {};
  for (const [key, member] of Object.entries(content)) {
    // Assigning this key would change the prototype; in a value it counts as a member that no schema names.
    if (key === '__proto__') continue;
    copy[key] = copySchema(walk, member, [...source, key], [...target, key]);
  }
  return copy;
}

function listOf(content: Json): readonly Json[] {
  return Array.isArray(content) ? content : [];
}

/** Which family of drafts the schema says it is written in. */
function readDialect(schema: JsonObject): string {
  const declared = readText(schema, '$schema', []);
  if (declared === undefined) return 'draft/2020-12';
  const known = dialects.exec(declared)?.[1];
  if (known === undefined) {
    throw refused(['$schema'], 'names a dialect that is not supported; use draft 2020-12');
  }
  return known.slice(0, 'draft-0'.length);
}

function refuseTricks(value: JsonObject, source: Path): void {
  if (source.length > 0 && value['$id'] !== undefined) {
    throw refused(
      [...source, '$id'],
      'would move the base of references; only the root may have it',
    );
  }
  if (source.length > 0 && value['$schema'] !== undefined) {
    throw refused([...source, '$schema'], 'would change the dialect; only the root may have it');
  }
  for (const keyword of refusedKeywords) {
    if (value[keyword] !== undefined) throw refused([...source, keyword], 'is not supported');
  }
}

function readText(value: JsonObject, keyword: string, source: Path): string | undefined {
  const text = value[keyword];
  if (text !== undefined && typeof text !== 'string') {
    throw refused([...source, keyword], 'must be text');
  }
  return text;
}

/** Longer lists of names can yield more violations, so they cost more. */
function weightOf(copy: JsonObject): number {
  const required = copy['required'];
  const dependent = copy['dependentRequired'];
  const names = isJsonObject(dependent) ? Object.values(dependent).flat() : [];
  return Object.keys(copy).length + (Array.isArray(required) ? required.length : 0) + names.length;
}

function resolveReferences({ nodes, anchors }: Walk): void {
  for (const node of nodes.values()) {
    if (node.ref === undefined) continue;
    const place = [...node.source, '$ref'];
    if (!node.ref.startsWith('#')) {
      throw refused(place, 'leads out of the schema; put what it names under $defs');
    }
    const pointer = readFragment(node.ref.slice(1), anchors);
    const found = pointer === undefined ? undefined : nodes.get(pointer);
    if (pointer === undefined || found === undefined) {
      throw refused(place, 'names no schema in this document');
    }
    node.inPlace.push(pointer);
    const tokens = found.target.map(
      (token) => `/${encodeURIComponent(toPointer([token]).slice(1))}`,
    );
    node.copy['$ref'] = `#${tokens.join('')}`;
  }
}

/** The pointer that a fragment stands for, in the same spelling as `toPointer` writes it. */
function readFragment(fragment: string, anchors: ReadonlyMap<string, string>): string | undefined {
  try {
    const text = decodeURIComponent(fragment);
    return text === '' || text.startsWith('/') ? toPointer(readPointer(text)) : anchors.get(text);
  } catch {
    return undefined;
  }
}

function refuseEndlessCalls(nodes: ReadonlyMap<string, SchemaNode>): void {
  const heights = new Map<string, number>();

  function heightOf(pointer: string, depth: number): number {
    const known = heights.get(pointer);
    if (known !== undefined) return known;
    const node = nodes.get(pointer);
    if (node === undefined) return 0;
    if (depth > inPlaceDepthMax) {
      throw refused(node.source, 'calls itself, or too many others, without going into the value');
    }
    const height = 1 + Math.max(0, ...node.inPlace.map((next) => heightOf(next, depth + 1)));
    if (height > inPlaceDepthMax) {
      throw refused(node.source, 'calls too many other schemas without going into the value');
    }
    heights.set(pointer, height);
    return height;
  }

  for (const pointer of nodes.keys()) heightOf(pointer, 0);
}

function refused(place: Path, description: string): HostError {
  return schemaRefused([{ field: formatPath(place), description }]);
}

/** The error for a schema that cannot be used; the first violation is told in the message too. */
export function schemaRefused(violations: readonly FieldViolation[]): HostError {
  const [first] = violations;
  const detail = first === undefined ? 'is invalid' : `${first.field} ${first.description}`;
  return new HostError('validation_failed', `schema: ${detail}`, { violations });
}
