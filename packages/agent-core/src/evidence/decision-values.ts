import type { Json, JsonObject, ToolDefinition } from '@modelhost/kernel';
import { isJsonObject } from '@modelhost/kernel';
import { addressesIn, addressesMax } from './addresses.ts';
import type { Address } from './addresses.ts';
import { foldWithin, isDisguised } from './fold.ts';

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

/** Values are of so many units at most, and all free text together when it is folded. */
const bounds = { values: 64, depth: 16, parts: 2000, valueLength: 2048, text: 131_072 } as const;

/**
 * The values that decide: those under the tool's decision arguments, those that the schema of a tool that acts does not list,
 * and in what may leave the house every address. What is past a bound is one opaque value. A boolean and a value that the
 * schema lists need no evidence, as whoever calls can only choose among what the tool offers, and bring in nothing of his
 * own; but a call that acts and has no other value is one opaque value, as nothing of it can be shown to be the user's.
 */
export function decisionValues(tool: ToolDefinition, values: JsonObject): readonly DecisionValue[] {
  const found: DecisionValue[] = [];
  const budget: Budget = { partsLeft: bounds.parts, unitsLeft: bounds.text };
  const visit = (value: Json, place: Place, depthLeft: number): void => {
    budget.partsLeft -= 1;
    if (depthLeft === 0 || budget.partsLeft < 0) {
      found.push({ path: place.path, type: 'opaque' });
      return;
    }
    for (const [part, within] of partsOf(value, place, tool)) {
      if (budget.partsLeft >= 0) visit(part, within, depthLeft - 1);
    }
    found.push(...valuesOf(value, place, { tool, budget }));
  };
  const schemas = branchesOf(tool.inputSchema);
  visit(values, { path: '', plain: '', name: '', decides: false, schemas }, bounds.depth);
  if (isActing(tool) && found.every(({ type }) => type === 'address'))
    found.push({ path: '', type: 'opaque' });
  if (found.length <= bounds.values) return found;
  return [...found.slice(0, bounds.values - 1), { path: '…', type: 'opaque' }];
}

/** Whether a call of the tool changes or sends something. */
function isActing({ effect, egress }: ToolDefinition): boolean {
  return effect !== 'none' || egress !== false;
}

interface Budget {
  partsLeft: number;
  unitsLeft: number;
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

/**
 * Whether nobody who described the tool knows the member, such as a `bcc` that a server takes and does not tell of. What is
 * within an object that is described as free data is data.
 */
function isUnlisted(place: Place, name: string): boolean {
  const isFree = place.schemas.every(({ properties }) => !isJsonObject(properties));
  return !isDeclared(place, name) && (place.path === '' || !isFree);
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
  const decides =
    place.decides ||
    tool.decisionArguments.includes(plain) ||
    (isActing(tool) && isUnlisted(place, name));
  return { path, plain, name, decides, schemas };
}

/** The schema, and those that it lets the value choose from. */
function branchesOf(schema: Json | undefined): readonly JsonObject[] {
  if (!isJsonObject(schema)) return [];
  const choices = [schema['anyOf'], schema['oneOf'], schema['allOf']].flatMap((list) =>
    Array.isArray(list) ? list.filter(isJsonObject) : [],
  );
  return [schema, ...choices];
}

function valuesOf(
  value: Json,
  place: Place,
  { tool, budget }: { readonly tool: ToolDefinition; readonly budget: Budget },
): readonly DecisionValue[] {
  if (typeof value !== 'number' && typeof value !== 'string') return [];
  if (place.decides) return isListed(value, place.schemas) ? [] : [leafOf(value, place)];
  return tool.egress === false ? [] : addressValues(String(value), place.path, budget);
}

function leafOf(value: number | string, { path, name }: Place): DecisionValue {
  // What is not what it looks like is nothing that anybody wrote.
  const isOpaque =
    typeof value === 'string' && (value.length > bounds.valueLength || isDisguised(value));
  return isOpaque ? { path, type: 'opaque' } : { path, type: 'leaf', name, value };
}

function addressValues(text: string, path: string, budget: Budget): readonly DecisionValue[] {
  const { cased, isCut } = foldWithin(withoutEntities(text), Math.max(0, budget.unitsLeft));
  budget.unitsLeft -= cased.length;
  const addresses = addressesIn(cased);
  const isTooMuch = isCut || addresses.length > addressesMax;
  return [
    ...addresses
      .slice(0, addressesMax)
      .map((address): DecisionValue => ({ path, type: 'address', address })),
    ...(isTooMuch ? [{ path, type: 'opaque' } as const] : []),
  ];
}

const entity =
  /&(?:#x0*([0-9a-f]{1,6})|#0*([0-9]{1,7})|(colon|sol|bsol|period|commat|quest|num|tab|newline)(?=;));?/giu;
const entities: Readonly<Record<string, string>> = {
  colon: ':',
  sol: '/',
  bsol: '\\',
  period: '.',
  commat: '@',
  quest: '?',
  num: '#',
  tab: '',
  newline: '',
};

/** Puts in the signs that a browser would read, so that no address can be spelled out in them. */
function withoutEntities(text: string): string {
  return text.replaceAll(entity, (all, hex?: string, decimal?: string, name?: string) => {
    if (name !== undefined) return entities[name.toLowerCase()] ?? all;
    const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
    // A browser takes line ends and tabs out of a link.
    if (code === 9 || code === 10 || code === 13) return '';
    return code > 31 && code <= 0x10_ff_ff ? String.fromCodePoint(code) : all;
  });
}

function isListed(value: Json, schemas: readonly JsonObject[]): boolean {
  return schemas.some(
    (schema) =>
      schema['const'] === value ||
      (Array.isArray(schema['enum']) && schema['enum'].includes(value)),
  );
}
