import type { CedarValueJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { Json, JsonObject } from '@modelhost/kernel';
import { isJsonObject } from '@modelhost/kernel';
import { refusedKeys } from './argument-types.ts';
import type { ArgumentType, RecordType } from './argument-types.ts';
import { questionBounds } from './bounds.ts';
import { wholeArguments } from './rule-names.ts';

/** Arguments for Cedar, or why there are none. The problem never quotes a value. */
export type EncodedArguments =
  | {
      readonly type: 'encoded';
      readonly value: Record<string, CedarValueJson>;
      /** Names of members that are there but that policy cannot see, and of all that they are part of. */
      readonly hidden: ReadonlySet<string>;
    }
  | { readonly type: 'refused'; readonly problem: string };

/** Turns arguments into values of their declared types; what does not fit exactly is refused, never rounded or guessed. */
export function encodeArguments(values: JsonObject, type: RecordType): EncodedArguments {
  try {
    checkBounds(values);
    const hidden = new Set<string>();
    const value = encodeRecord(values, type, hidden);
    // Whoever compares the arguments as a whole compares without what is hidden.
    if (hidden.size > 0) hidden.add(wholeArguments);
    return { type: 'encoded', value, hidden };
  } catch (thrown) {
    if (thrown instanceof Refusal) return { type: 'refused', problem: thrown.message };
    throw thrown;
  }
}

/** Leaves the recursion; it is caught above and never seen outside this file. */
class Refusal extends Error {
  override readonly name = 'Refusal';
}

function checkBounds(values: JsonObject): void {
  let partsLeft: number = questionBounds.argumentParts;
  let lengthLeft: number = questionBounds.argumentLength;
  const spendText = (text: string): void => {
    lengthLeft -= text.length;
    if (lengthLeft < 0) throw new Refusal('the arguments are too long');
    if (!text.isWellFormed()) throw new Refusal('an argument is no valid Unicode text');
  };
  const visit = (value: Json | undefined, depthLeft: number): void => {
    if (depthLeft === 0) throw new Refusal('the arguments are nested too deeply');
    partsLeft -= 1;
    if (partsLeft < 0) throw new Refusal('the arguments have too many parts');
    if (typeof value === 'string') spendText(value);
    if (Array.isArray(value)) for (const item of value) visit(item, depthLeft - 1);
    if (!isJsonObject(value)) return;
    for (const key of Object.keys(value)) {
      if (refusedKeys.has(key)) throw new Refusal(`an argument has the reserved key ${key}`);
      spendText(key);
      visit(value[key], depthLeft - 1);
    }
  };
  visit(values, questionBounds.argumentDepth);
}

function encode(value: Json, type: ArgumentType, hidden: Set<string>): CedarValueJson {
  switch (type.type) {
    case 'string':
      if (typeof value === 'string') return value;
      throw new Refusal('an argument that should be a string is none');
    case 'boolean':
      if (typeof value === 'boolean') return value;
      throw new Refusal('an argument that should be true or false is neither');
    case 'long':
      if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
      throw new Refusal('an argument that should be a whole number is none, or not an exact one');
    case 'decimal':
      return encodeDecimal(value);
    case 'set':
      if (Array.isArray(value))
        return value.map((item: Json) => encode(item, type.element, hidden));
      throw new Refusal('an argument that should be an array is none');
    case 'record':
      if (isJsonObject(value)) return encodeRecord(value, type, hidden);
      throw new Refusal('an argument that should be an object is none');
  }
}

function encodeRecord(
  values: JsonObject,
  type: RecordType,
  hidden: Set<string>,
): Record<string, CedarValueJson> {
  const encoded: [string, CedarValueJson][] = [];
  for (const [name, value] of Object.entries(values)) {
    const member = type.members.get(name);
    if (member === undefined) {
      hidden.add(name);
      continue;
    }
    if (value === null && member.isNullable) {
      // As good as absent, but not where the whole is compared.
      hidden.add(wholeArguments);
      continue;
    }
    const within = new Set<string>();
    encoded.push([name, encode(value, member.value, within)]);
    // What has a hidden part cannot be compared as a whole either.
    for (const part of within.size > 0 ? [...within, name] : []) hidden.add(part);
  }
  for (const [name, { isRequired }] of type.members) {
    if (isRequired && !Object.hasOwn(values, name))
      throw new Refusal('a required argument is missing');
  }
  return Object.fromEntries(encoded);
}

function encodeDecimal(value: Json): CedarValueJson {
  // Cedar's decimal has four digits after the point and 64 bits in all.
  const text = typeof value === 'number' ? String(value) : '';
  const isExact = /^-?[0-9]{1,15}(?:\.[0-9]{1,4})?$/.test(text);
  if (!isExact || Math.abs(Number(text)) > 922_337_203_685_477) {
    throw new Refusal('an argument is no number with at most four digits after the point');
  }
  return { __extn: { fn: 'decimal', arg: text.includes('.') ? text : `${text}.0` } };
}
