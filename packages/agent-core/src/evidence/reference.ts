import type { AnswerReference, ToolDefinition } from '@modelhost/kernel';
import { addressesMax } from './addresses.ts';
import { fold } from './fold.ts';
import type { AnswerRecord } from './records.ts';
import type { KnownText, KnownTexts } from './texts.ts';

const nameBounds = {
  lengthMin: 4,
  lengthMax: 200,
  names: 1000,
  prompt: 16_384,
} as const;

/** A record that could be meant, by the name that the user would call it by. */
interface Candidate {
  readonly source: string;
  readonly name: string;
  readonly id: string;
}

/**
 * Where a value stands as the id of the one thing that the user named: in the field that the operator declared for this
 * argument, of a record whose name the user's words hold, while no other record of any answer has that name and another id.
 * Whoever adds a record with the same name, or makes an answer that cannot be read, only takes the reference away.
 */
export function findReferences(
  { name, value }: { readonly name: string; readonly value: number | string },
  tool: ToolDefinition,
  texts: KnownTexts,
): readonly string[] {
  const promptLength = texts.prompt.reduce((length, { folded }) => length + folded.length, 0);
  if (texts.isCut || promptLength > nameBounds.prompt) return [];
  const candidates = readCandidates(name, tool, texts);
  if (candidates === undefined) return [];
  const id = fold(String(value));
  const named = [...namesInPrompt(candidates, texts)].flatMap((each) => {
    const meant = candidates.filter((candidate) => candidate.name === each);
    return meant.every((candidate) => candidate.id === id) ? meant : [];
  });
  return named.map(({ source }) => source);
}

/** Where a value stands in a field that only the server of an answer writes, and that any thing of its kind may be taken from. */
export function findAssigned(
  { name, value }: { readonly name: string; readonly value: number | string },
  tool: ToolDefinition,
  { trusted, untrusted }: KnownTexts,
): readonly string[] {
  const wanted = fold(String(value));
  const isSame = (field: string | undefined): boolean =>
    field !== undefined &&
    (typeof value === 'number' ? Number(field) === value : fold(field) === wanted);
  return [...trusted, ...untrusted]
    .filter((text) => {
      const declared = referenceFor(name, tool, text.call?.tool);
      if (declared === undefined || declared.namedBy !== undefined) return false;
      return text.records()?.some((record) => isSame(record.get(declared.field))) === true;
    })
    .map(({ source }) => source);
}

/** What the operator declares of answers for this argument. Ids of one server say nothing at another. */
function referenceFor(
  argument: string,
  tool: ToolDefinition,
  answering: ToolDefinition | undefined,
): AnswerReference | undefined {
  const references = answering?.server === tool.server ? (answering.references ?? {}) : {};
  return Object.hasOwn(references, argument) ? references[argument] : undefined;
}

/** The records that the argument could be taken from; undefined when there are too many, or an answer cannot be read. */
function readCandidates(
  argument: string,
  tool: ToolDefinition,
  { trusted, untrusted }: KnownTexts,
): readonly Candidate[] | undefined {
  const candidates: Candidate[] = [];
  for (const text of [...trusted, ...untrusted]) {
    const declared = referenceFor(argument, tool, text.call?.tool);
    if (declared?.namedBy === undefined) continue;
    const records = text.records();
    if (records === undefined || candidates.length + records.length > nameBounds.names)
      return undefined;
    const { field, namedBy } = declared;
    candidates.push(...records.flatMap((record) => candidateOf(record, { field, namedBy }, text)));
  }
  return candidates;
}

function candidateOf(
  record: AnswerRecord,
  { field, namedBy }: { readonly field: string; readonly namedBy: string },
  { source }: KnownText,
): readonly Candidate[] {
  const id = record.get(field);
  const name = fold(record.get(namedBy) ?? '');
  const isName =
    name.length >= nameBounds.lengthMin &&
    name.length <= nameBounds.lengthMax &&
    /\p{L}/u.test(name);
  return id === undefined || !isName ? [] : [{ source, name, id: fold(id) }];
}

/** Names that the user's words hold otherwise than as a part of a longer one of them. */
function namesInPrompt(
  candidates: readonly Candidate[],
  { prompt }: KnownTexts,
): ReadonlySet<string> {
  const names = [...new Set(candidates.map(({ name }) => name))].sort(
    (one, other) => other.length - one.length,
  );
  const found = new Set<string>();
  for (const text of prompt) {
    const taken: { readonly start: number; readonly end: number }[] = [];
    for (const name of names) {
      const free = text
        .placesOfName(name)
        .filter((at) => !taken.some(({ start, end }) => at < end && at + name.length > start));
      if (free.length > 0) found.add(name);
      taken.push(...free.map((start) => ({ start, end: start + name.length })));
    }
  }
  return found;
}

/**
 * Where a web address stands that a call which changes nothing may fetch: word for word in an answer from inside the house
 * to a call that the user's own words spelled out ("the links in the channel general"). Each is fetched once, so that the
 * order of fetching says next to nothing; and only while the run has changed nothing, as it could have written the link there.
 */
export function findNamedLinks(
  url: string,
  tool: ToolDefinition,
  texts: KnownTexts,
): readonly string[] {
  if (tool.effect !== 'none') return [];
  const answers = [...texts.trusted, ...texts.untrusted];
  const hasActed = answers.some(({ call }) => call !== undefined && call.tool.effect !== 'none');
  if (hasActed || answers.some(({ echo }) => echo.folded.includes(url))) return [];
  return answers
    .filter((answer) => isNamedByUser(answer, texts) && hasLink(url, answer))
    .map(({ source }) => source);
}

function hasLink(url: string, answer: KnownText): boolean {
  const addresses = answer.addresses();
  return (
    addresses.length <= addressesMax &&
    addresses.some(({ kind, value }) => kind === 'url' && value === url)
  );
}

function isNamedByUser({ call }: KnownText, { prompt }: KnownTexts): boolean {
  if (call === undefined || call.tool.egress !== false) return false;
  const values = Object.values(call.arguments).filter((value) => value !== null);
  return (
    values.length > 0 &&
    values.every((value) => {
      if (typeof value !== 'string') return false;
      const word = fold(value);
      return word.length > 2 && prompt.some((text) => text.hasWord(word));
    })
  );
}

const template = /(?<quote>["'“‘])(?<text>[^"'“”‘’{}]*\{[^"'“”‘’]{1,200})["'”’]/gu;
const gap = /\{[\p{L}_][\p{L}\p{N}_ -]{0,40}\}/gu;
const templateBounds = { templates: 16, gaps: 4, gapLengthMin: 3, letters: 4 } as const;

/**
 * Where the parts stand of a value that fills a form of the user's: he wrote "Dinner at {restaurant}", and what stands in the
 * gap is in his words or in a trusted text.
 */
export function findFilledForm(value: string, texts: KnownTexts): readonly string[] {
  for (const { folded } of texts.prompt) {
    for (const match of [...folded.matchAll(template)].slice(0, templateBounds.templates)) {
      const fillings = fillingsOf(value, match.groups?.['text'] ?? '');
      const sources = fillings?.map((filling) => sourcesOf(filling, texts));
      if (sources?.every((each) => each.length > 0) === true) return ['prompt', ...sources.flat()];
    }
  }
  return [];
}

/** What stands in the gaps of the form; undefined when the value does not fit it. */
function fillingsOf(value: string, form: string): readonly string[] | undefined {
  const literals = form.split(gap);
  const letters = literals.join('').replaceAll(/\P{L}/gu, '').length;
  if (letters < templateBounds.letters) return undefined;
  if (literals.length < 2 || literals.length > templateBounds.gaps + 1) return undefined;
  const [first = '', ...others] = literals;
  if (!value.startsWith(first)) return undefined;
  const fillings: string[] = [];
  let at = first.length;
  for (const [index, literal] of others.entries()) {
    const isLast = index === others.length - 1;
    const end = isLast ? value.length - literal.length : value.indexOf(literal, at);
    if (end < at || !value.startsWith(literal, end) || (literal === '' && !isLast))
      return undefined;
    fillings.push(value.slice(at, end));
    at = end + literal.length;
  }
  return fillings.every(({ length }) => length >= templateBounds.gapLengthMin)
    ? fillings
    : undefined;
}

function sourcesOf(word: string, { prompt, trusted }: KnownTexts): readonly string[] {
  return [
    ...prompt.filter((text) => text.hasWord(word)),
    ...trusted.filter((text) => text.hasWord(word) && !text.echo.folded.includes(word)),
  ].map(({ source }) => source);
}
