import type { CallEvidence, JsonObject, ToolDefinition, ValueOrigin } from '@modelhost/kernel';
import { addressesIn } from './addresses.ts';
import type { Address } from './addresses.ts';
import { decisionValues } from './decision-values.ts';
import type { DecisionValue } from './decision-values.ts';
import { fold } from './fold.ts';
import { hasMoment, readMoment } from './moments.ts';
import { hasNumber, hasShortId, isShortNumber } from './numbers.ts';
import { findAssigned, findFilledForm, findNamedLinks, findReferences } from './reference.ts';
import type { PromptText } from './prompt-text.ts';
import type { SearchableText } from './searchable.ts';
import { readTexts } from './texts.ts';
import type { EvidenceTexts, KnownTexts } from './texts.ts';

export type { EvidenceText, EvidenceTexts } from './texts.ts';

const sourcesMax = 8;
const lengthMin = 3;

/**
 * Where the values come from that decide what the call does, each with the best origin it has. Only texts that were there
 * before the call may be given. What is past a bound (64 values, 131,072 units of one text, a million of all) is endorsed by
 * nothing. Pure, and linear in the texts.
 */
export function findEvidence(given: {
  readonly tool: ToolDefinition;
  readonly arguments: JsonObject;
  readonly texts: EvidenceTexts;
}): CallEvidence {
  const values = decisionValues(given.tool, given.arguments);
  if (values.length === 0) return { values: [] };
  const texts = readTexts(given.texts);
  return { values: values.map((value) => originOf(value, given.tool, texts)) };
}

function originOf(value: DecisionValue, tool: ToolDefinition, texts: KnownTexts): ValueOrigin {
  const stands = testOf(value);
  const tries: readonly (readonly [ValueOrigin['origin'], () => readonly string[]])[] = [
    ['prompt', () => sourcesOf(texts.prompt.filter((text) => isAsked(value, tool, text)))],
    ['reference', () => referencesOf(value, tool, texts)],
    [
      'trusted',
      () => [
        ...sourcesOf(texts.trusted.filter((text) => stands(text) && !stands(text.echo))),
        ...(value.type === 'leaf' ? findAssigned(value, tool, texts) : []),
      ],
    ],
    ['untrusted', () => sourcesOf([...texts.trusted, ...texts.untrusted].filter(stands))],
  ];
  for (const [origin, find] of tries) {
    const sources = [...new Set(find())].slice(0, sourcesMax);
    if (sources.length > 0) return { path: value.path, origin, sources };
  }
  return { path: value.path, origin: 'model', sources: [] };
}

function sourcesOf(texts: readonly { readonly source: string }[]): readonly string[] {
  return texts.map(({ source }) => source);
}

function referencesOf(
  value: DecisionValue,
  tool: ToolDefinition,
  texts: KnownTexts,
): readonly string[] {
  switch (value.type) {
    case 'opaque':
      return [];
    case 'address':
      return value.address.kind === 'url' ? findNamedLinks(value.address.value, tool, texts) : [];
    case 'leaf': {
      const byId = findReferences(value, tool, texts);
      if (byId.length > 0 || typeof value.value === 'number') return byId;
      const folded = fold(value.value);
      const links = findNamedLinks(folded, tool, texts);
      return links.length > 0 ? links : findFilledForm(folded, texts);
    }
  }
}

/** Whether the user's words hold the value; for what cannot be undone, as the name of something. */
function isAsked(value: DecisionValue, { effect }: ToolDefinition, text: PromptText): boolean {
  if (!testOf(value)(text)) return false;
  const isFinal = effect === 'irreversible' || effect === 'idempotent';
  if (!isFinal || value.type !== 'leaf' || typeof value.value !== 'string') return true;
  const word = fold(value.value);
  // A number, a day or an account that was found in another spelling is no word.
  return !text.hasWord(word) || text.placesOfName(word).length > 0;
}

type Test = (text: SearchableText) => boolean;

/** Tells whether the value stands in a text. */
function testOf(value: DecisionValue): Test {
  switch (value.type) {
    case 'opaque':
      return () => false;
    case 'address':
      return (text) => hasAddress(value.address, text);
    case 'leaf': {
      const { value: leaf } = value;
      return typeof leaf === 'number'
        ? (text) => hasNumber(leaf, text.numerals())
        : testOfText(leaf);
    }
  }
}

function testOfText(leaf: string): Test {
  const word = fold(leaf);
  if (isShortNumber(word)) return (text) => hasShortId(word, text.numerals());
  if (word.length < lengthMin) return () => false;
  const moment = readMoment(leaf.trim());
  const [account] = addressesIn(word).filter(
    ({ kind, value }) => kind === 'account' && value === word.replaceAll(' ', ''),
  );
  return (text) =>
    text.hasWord(word) ||
    (moment !== undefined && hasMoment(moment, text.mentions())) ||
    (account !== undefined && hasAddress(account, text));
}

function hasAddress({ kind, value }: Address, text: SearchableText): boolean {
  if (text.hasWord(value)) return true;
  // Only these are written with spaces that mean nothing.
  const isGrouped = kind === 'account' || kind === 'card';
  return isGrouped && text.addresses().some((each) => each.kind === kind && each.value === value);
}
