import type { KeywordDefinition } from 'ajv/dist/2020.js';
import { canonicalJson } from '@modelhost/kernel';
import type { Json } from '@modelhost/kernel';
import type { Work } from './work.ts';

/** The keyword that every schema of a prepared document carries: the weight that one look at a value costs. */
export const workKeyword = 'x-work';

const unitsPerWeight = 8;
const shownLengthMax = 200;

/**
 * Our own forms of keywords. `x-work` counts; `enum`, `const` and `uniqueItems` compare by canonical text: in linear
 * time, and without touching members such as `valueOf` that a value may have.
 */
export function ownKeywords(work: Work): readonly KeywordDefinition[] {
  function textOf(value: Json): string {
    const text = canonicalJson(value);
    work.spend(text.length >> 3);
    return text;
  }

  return [
    {
      keyword: workKeyword,
      schemaType: 'number',
      before: 'allOf',
      errors: false,
      valid: true,
      validate: (weight: number) => {
        work.spend(weight * unitsPerWeight);
        return true;
      },
    },
    {
      keyword: 'enum',
      schemaType: 'array',
      error: { message: (context) => `must be one of ${show(asJson(context.schema))}` },
      compile: (options: readonly Json[]) => {
        const texts = new Set(options.map((option) => canonicalJson(option)));
        return (value: Json) => texts.has(textOf(value));
      },
    },
    {
      keyword: 'const',
      error: { message: (context) => `must be ${show(asJson(context.schema))}` },
      compile: (wanted: Json) => {
        const text = canonicalJson(wanted);
        return (value: Json) => text === textOf(value);
      },
    },
    {
      keyword: 'uniqueItems',
      type: 'array',
      schemaType: 'boolean',
      error: { message: 'must not have the same item twice' },
      compile: (isWanted: boolean) => (items: readonly Json[]) =>
        !isWanted || new Set(items.map(textOf)).size === items.length,
    },
  ];
}

function show(value: Json): string {
  const text = canonicalJson(value);
  return text.length > shownLengthMax ? `${text.slice(0, shownLengthMax)}…` : text;
}

function asJson(value: unknown): Json {
  // Ajv hands over a part of the prepared schema, which is JSON.
  return value as Json;
}
