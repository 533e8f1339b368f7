import type { CallEvidence, JsonObject, ToolDefinition, ValueOrigin } from '@modelhost/kernel';
import { accountKey, addressesIn } from './addresses.ts';
import type { Address } from './addresses.ts';
import { decisionValues } from './decision-values.ts';
import type { DecisionValue } from './decision-values.ts';
import { findFilledForm } from './filled-form.ts';
import { hasMoment, readMoment } from './moments.ts';
import { hasNumber, hasShortId, isShortNumber } from './numbers.ts';
import type { PromptText } from './prompt-text.ts';
import { createReferences } from './reference.ts';
import type { References } from './reference.ts';
import type { SearchableText } from './searchable.ts';
import { readTexts } from './texts.ts';
import type { EvidenceTexts, KnownText, KnownTexts } from './texts.ts';
import { readWord } from './word.ts';

export type { EvidenceText, EvidenceTexts } from './texts.ts';

const sourcesMax = 8;
const lengthMin = 3;

/**
 * Where the values come from that decide what the call does, each with the best origin it has. Only texts that were there
 * before the call may be given. What is past a bound (64 values, 131,072 units of one text, 262,144 of all) is endorsed by
 * nothing. Linear in the texts; what was read of them is kept with the objects that hold them.
 */
export function findEvidence(given: {
  readonly tool: ToolDefinition;
  readonly arguments: JsonObject;
  readonly texts: EvidenceTexts;
}): CallEvidence {
  const { tool } = given;
  const values = decisionValues(tool, given.arguments);
  if (values.length === 0) return { values: [] };
  const texts = readTexts(given.texts);
  const search: Search = { tool, texts, references: createReferences(tool, texts) };
  const found = values.map((value) => ({ type: value.type, origin: originOf(value, search) }));
  // An address in a free text can only take something away: with one of the user's, anything at all would be his.
  const isNamed = found.some(({ type, origin }) => type === 'leaf' && isUsers(origin));
  return {
    values: found
      .filter(({ type, origin }) => isNamed || type !== 'address' || !isUsers(origin))
      .map(({ origin }) => origin),
  };
}

interface Search {
  readonly tool: ToolDefinition;
  readonly texts: KnownTexts;
  readonly references: References;
}

/** Whether the user stands up for the value. */
function isUsers({ origin }: ValueOrigin): boolean {
  return origin === 'prompt' || origin === 'reference';
}

function originOf(value: DecisionValue, search: Search): ValueOrigin {
  const { texts } = search;
  const stands = testOf(value);
  const isAsked = askedTestOf(value, search.tool, stands);
  const tries: readonly (readonly [ValueOrigin['origin'], () => readonly string[]])[] = [
    ['prompt', () => sourcesOf(texts.prompt.filter(isAsked))],
    ['reference', () => referencesOf(value, search)],
    [
      'trusted',
      () => [
        ...sourcesOf(
          texts.trusted.filter((text) => stands(text) && !isWritten(stands, text, texts)),
        ),
        ...(value.type === 'leaf' ? search.references.assigned(value) : []),
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

/**
 * Whether an answer has the value from the run itself: it repeats it from its own call, or an earlier call could have put it
 * where it was read.
 */
function isWritten(stands: Test, { call, echo, isEchoCut }: KnownText, texts: KnownTexts): boolean {
  if (call === undefined) return false;
  return isEchoCut || texts.isWrittenCut || stands(echo) || texts.written.some(stands);
}

function sourcesOf(texts: readonly { readonly source: string }[]): readonly string[] {
  return texts.map(({ source }) => source);
}

function referencesOf(value: DecisionValue, { texts, references }: Search): readonly string[] {
  switch (value.type) {
    case 'opaque':
      return [];
    case 'address':
      return value.address.kind === 'url' ? references.link(value.address.value) : [];
    case 'leaf': {
      const byId = references.named(value);
      if (byId.length > 0 || typeof value.value === 'number') return byId;
      const url = wholeAddress(value.value, 'url');
      const links = url === undefined ? [] : references.link(url);
      return links.length > 0 ? links : findFilledForm(value.value, texts);
    }
  }
}

/** Tells whether the user's words hold the value; for what cannot be undone, as the name of something. */
function askedTestOf(
  value: DecisionValue,
  { effect }: ToolDefinition,
  stands: Test,
): (text: PromptText) => boolean {
  const isFinal = effect === 'irreversible' || effect === 'idempotent';
  if (!isFinal || value.type !== 'leaf' || typeof value.value !== 'string') return stands;
  if (wholeAddress(value.value, 'account') !== undefined) return stands;
  const word = readWord(value.value);
  // A number or a day that was found in another spelling is no word.
  return (text) => stands(text) && (!text.hasWord(word) || text.placesOfName(word).length > 0);
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
  const word = readWord(leaf);
  if (isShortNumber(word.folded)) return (text) => hasShortId(word.folded, text.numerals());
  if (word.folded.length < lengthMin) return () => false;
  const moment = readMoment(leaf.trim());
  const account = wholeAddress(leaf, 'account');
  return (text) =>
    text.hasWord(word) ||
    (moment !== undefined && hasMoment(moment, text.mentions())) ||
    (account !== undefined && hasAddress({ kind: 'account', value: account }, text));
}

/** The value as an address of this kind, if it is one and nothing else. */
function wholeAddress(leaf: string, kind: 'account' | 'url'): string | undefined {
  const { cased } = readWord(leaf);
  if (cased.includes(' ') && kind === 'url') return undefined;
  const found = addressesIn(cased).filter((each) => each.kind === kind);
  const [{ value } = { value: '' }] = found;
  if (found.length !== 1) return undefined;
  return kind === 'url' || value === accountKey(cased) ? value : undefined;
}

function hasAddress({ kind, value }: Address, text: SearchableText): boolean {
  switch (kind) {
    case 'unclear':
      return false;
    case 'email':
      return text.hasWord(readWord(value));
    case 'account':
    case 'card':
    case 'placeholder':
    case 'url':
      return text.addresses().some((each) => each.kind === kind && each.value === value);
  }
}
