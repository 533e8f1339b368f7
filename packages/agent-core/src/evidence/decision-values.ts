import type { Json, JsonObject, ToolDefinition } from '@modelhost/kernel';
import { isJsonObject } from '@modelhost/kernel';
import { addressesIn, addressesMax } from './addresses.ts';
import type { Address } from './addresses.ts';
import { fold, isDisguised } from './fold.ts';

/** A value of a call that decides what the call does. */
export type DecisionValue = { readonly path: string } & (
  | {
      readonly type: 'leaf';
      /** Name of the argument, or of the innermost member, that it is in. */
      readonly name: string;
      readonly value: number | string;
    }
  /** Something that data could be sent to, in the middle of any argument. */
  | { readonly type: 'address'; readonly address: Address }
  /** Something that cannot be looked for: nobody stands up for it. */
  | { readonly type: 'opaque' }
);

const bounds = { values: 64, depth: 16, parts: 2000, textLength: 65_536 } as const;

/**
 * The values that decide: those under the tool's decision arguments, and in what may leave the house every address. What
 * is past a bound is one opaque value. A boolean and a value that the schema lists need no evidence, as whoever calls can
 * only choose among what the tool offers, and bring in nothing of his own.
 */
export function decisionValues(tool: ToolDefinition, values: JsonObject): readonly DecisionValue[] {
  const found: DecisionValue[] = [];
  let partsLeft: number = bounds.parts;
  const visit = (value: Json, place: Place, depthLeft: number): void => {
    partsLeft -= 1;
    if (depthLeft === 0 || partsLeft < 0) {
      found.push({ path: place.path, type: 'opaque' });
      return;
    }
    for (const [part, within] of partsOf(value, place, tool)) {
      if (partsLeft >= 0) visit(part, within, depthLeft - 1);
    }
    found.push(...valuesOf(value, place, tool));
  };
  const root = { path: '', plain: '', name: '', decides: false, schemas: [tool.inputSchema] };
  visit(values, root, bounds.depth);
  if (found.length <= bounds.values) return found;
  return [...found.slice(0, bounds.values - 1), { path: '…', type: 'opaque' }];
}

interface Place {
  readonly path: string;
  /** The path without places in arrays, as the operator writes it. */
  readonly plain: string;
  readonly name: string;
  readonly decides: boolean;
  /** Schemas of which the value has to fit one. */
  readonly schemas: readonly JsonObject[];
}

function partsOf(
  value: Json,
  place: Place,
  tool: ToolDefinition,
): readonly (readonly [Json, Place])[] {
  if (Array.isArray(value))
    return value.map((item: Json, index) => [item, itemOf(place, index)] as const);
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) => [
    [member, memberOf(place, name, tool)] as const,
    // A name that the schema does not give says as much as a value: `{ "eve@example.org": true }`.
    ...(isDeclared(place, name) ? [] : [[name, { ...place, schemas: [] }] as const]),
  ]);
}

function isDeclared({ schemas }: Place, name: string): boolean {
  return schemas.some(
    ({ properties }) => isJsonObject(properties) && Object.hasOwn(properties, name),
  );
}

function itemOf(place: Place, index: number): Place {
  const schemas = place.schemas.flatMap((schema) => branchesOf(schema['items']));
  return { ...place, path: `${place.path}[${index}]`, schemas };
}

function memberOf(place: Place, name: string, tool: ToolDefinition): Place {
  const path = place.path === '' ? name : `${place.path}.${name}`;
  const plain = place.plain === '' ? name : `${place.plain}.${name}`;
  const schemas = place.schemas.flatMap(({ properties }) =>
    isJsonObject(properties) && Object.hasOwn(properties, name) ? branchesOf(properties[name]) : [],
  );
  const decides = place.decides || tool.decisionArguments.includes(plain);
  return { path, plain, name, decides, schemas };
}

/** The schema, and those that it lets the value choose from. */
function branchesOf(schema: Json | undefined): readonly JsonObject[] {
  if (!isJsonObject(schema)) return [];
  const choices = [schema['anyOf'], schema['oneOf']].flatMap((list) =>
    Array.isArray(list) ? list.filter(isJsonObject) : [],
  );
  return [schema, ...choices];
}

function valuesOf(value: Json, place: Place, tool: ToolDefinition): readonly DecisionValue[] {
  if (typeof value !== 'number' && typeof value !== 'string') return [];
  if (place.decides) return isListed(value, place.schemas) ? [] : [leafOf(value, place)];
  return tool.egress === false ? [] : addressValues(String(value), place.path);
}

function leafOf(value: number | string, { path, name }: Place): DecisionValue {
  // What is not what it looks like is nothing that anybody wrote.
  const isOpaque =
    typeof value === 'string' && (isDisguised(value) || value.length > bounds.textLength);
  return isOpaque ? { path, type: 'opaque' } : { path, type: 'leaf', name, value };
}

function addressValues(text: string, path: string): readonly DecisionValue[] {
  const addresses = addressesIn(fold(text.slice(0, bounds.textLength)));
  const isTooMuch = text.length > bounds.textLength || addresses.length > addressesMax;
  return [
    ...addresses
      .slice(0, addressesMax)
      .map((address): DecisionValue => ({ path, type: 'address', address })),
    ...(isTooMuch ? [{ path, type: 'opaque' } as const] : []),
  ];
}

function isListed(value: Json, schemas: readonly JsonObject[]): boolean {
  return schemas.some(
    (schema) =>
      schema['const'] === value ||
      (Array.isArray(schema['enum']) && schema['enum'].includes(value)),
  );
}
