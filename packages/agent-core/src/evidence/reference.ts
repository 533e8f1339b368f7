import type { AnswerReference, ToolDefinition } from '@modelhost/kernel';
import { addressesMax } from './addresses.ts';
import type { AnswerRecord } from './answer-record.ts';
import { fold, foldAllButCase } from './fold.ts';
import { once } from './searchable.ts';
import type { KnownText, KnownTexts } from './texts.ts';
import { readWord, spellingOf } from './word.ts';

/** A value of an argument, by the name of the argument. */
interface NamedValue {
  readonly name: string;
  readonly value: number | string;
}

/** What the answers say that the operator, or the user, has named before. Each gives the sources, none if there are none. */
export interface References {
  /**
   * Of a value as the id of the one thing that the user named: in the field that the operator declared for this argument, of
   * a record whose name the user's words hold, while they hold the name of no other thing that is listed. Whoever adds a
   * record with a name of the prompt, or makes an answer that cannot be read, only takes the reference away.
   */
  named(value: NamedValue): readonly string[];
  /** Of a value in a field that only the server of an answer writes, and that any thing of its kind may be taken from. */
  assigned(value: NamedValue): readonly string[];
  /**
   * Of a link that a call which changes nothing may fetch: in an answer from inside the house to a call that the user's own
   * words spelled out ("the links in the channel general"). Each is fetched once, so that the order of fetching says next to
   * nothing; and only while the run has changed nothing, as it could have written the link there.
   */
  link(key: string): readonly string[];
}

const nameBounds = {
  lengthMin: 4,
  lengthMax: 200,
  idLengthMax: 2048,
  names: 1000,
  prompt: 16_384,
} as const;

/** A record that could be meant, by the name that the user would call it by. */
interface Candidate {
  readonly source: string;
  readonly name: string;
  readonly id: string;
}

/** Reads what the texts refer to, for one call of the tool; the same for all values of an argument is read once. */
export function createReferences(tool: ToolDefinition, texts: KnownTexts): References {
  const answers = [...texts.trusted, ...texts.untrusted];
  const meant = byArgument((argument) => readMeant(argument, tool, texts));
  const fields = byArgument((argument) => readFields(argument, tool, answers));
  const linking = once(() => linkingAnswers(tool, texts, answers));

  return {
    named: ({ name, value }) => {
      const thing = meant(name);
      return thing?.id === foldAllButCase(String(value)) ? thing.sources : [];
    },
    assigned: ({ name, value }) => {
      const wanted = typeof value === 'number' ? value : spellingOf(readWord(value));
      return fields(name)
        .filter(({ values }) => values.has(wanted))
        .map(({ source }) => source);
    },
    link: (key) => {
      const found = linking().filter((answer) => hasLink(key, answer));
      const isFetched = found.length > 0 && answers.some(({ echo }) => hasUrl(key, echo));
      return isFetched ? [] : found.map(({ source }) => source);
    },
  };
}

function byArgument<Value>(read: (argument: string) => Value): (argument: string) => Value {
  const known = new Map<string, { readonly value: Value }>();
  return (argument) => {
    const kept = known.get(argument) ?? { value: read(argument) };
    known.set(argument, kept);
    return kept.value;
  };
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

interface Thing {
  readonly id: string;
  readonly sources: readonly string[];
}

/** The one thing that the user named among those that the argument could be taken from. */
function readMeant(argument: string, tool: ToolDefinition, texts: KnownTexts): Thing | undefined {
  const promptLength = texts.prompt.reduce((length, { folded }) => length + folded.length, 0);
  if (texts.isCut || promptLength > nameBounds.prompt) return undefined;
  const candidates = readCandidates(argument, tool, texts);
  const words = [...new Set(candidates?.map(({ name }) => name))]
    .map(readWord)
    .filter((word) => texts.prompt.some((text) => text.hasWord(word)));
  const named = words.filter((word) =>
    texts.prompt.some((text) => text.placesOfName(word).length > 0),
  );
  // Which of two is meant when one name is a part of the other, nobody can say.
  const around = words.filter(({ folded: longer }) =>
    named.some(({ folded }) => longer.includes(folded)),
  );
  const names = new Set(around.map(({ folded }) => folded));
  const called = candidates?.filter(({ name }) => names.has(name)) ?? [];
  const [first] = called;
  if (first === undefined || called.some(({ id }) => id !== first.id)) return undefined;
  return { id: first.id, sources: called.map(({ source }) => source) };
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
  const called = record.get(namedBy) ?? '';
  const name = called.length > nameBounds.lengthMax ? '' : fold(called);
  const isName =
    name.length >= nameBounds.lengthMin &&
    name.length <= nameBounds.lengthMax &&
    /\p{L}/u.test(name);
  if (id === undefined || !isName) return [];
  return [{ source, name, id: foldAllButCase(id.slice(0, nameBounds.idLengthMax)) }];
}

interface Fields {
  readonly source: string;
  readonly values: ReadonlySet<number | string>;
}

/** What stands in the fields that only a server writes, of each answer that has them. */
function readFields(
  argument: string,
  tool: ToolDefinition,
  answers: readonly KnownText[],
): readonly Fields[] {
  return answers.flatMap((text) => {
    const declared = referenceFor(argument, tool, text.call?.tool);
    if (declared === undefined || declared.namedBy !== undefined) return [];
    const values = text.records()?.flatMap((record) => {
      const field = record.get(declared.field);
      if (field === undefined || field.length > nameBounds.idLengthMax) return [];
      return [Number(field), spellingOf(readWord(field))];
    });
    return [{ source: text.source, values: new Set(values) }];
  });
}

/** Answers of which the user wants the links. */
function linkingAnswers(
  tool: ToolDefinition,
  texts: KnownTexts,
  answers: readonly KnownText[],
): readonly KnownText[] {
  if (tool.effect !== 'none' || texts.isWrittenCut) return [];
  const hasActed = answers.some(({ call }) => call !== undefined && call.tool.effect !== 'none');
  const isUnknown = answers.some(
    ({ echo, isEchoCut }) => isEchoCut || echo.addresses().length > addressesMax,
  );
  if (hasActed || isUnknown) return [];
  return answers.filter((answer) => isNamedByUser(answer, texts));
}

function hasLink(key: string, answer: KnownText): boolean {
  return answer.addresses().length <= addressesMax && hasUrl(key, answer);
}

function hasUrl(key: string, { addresses }: Pick<KnownText, 'addresses'>): boolean {
  return addresses().some(({ kind, value }) => kind === 'url' && value === key);
}

function isNamedByUser({ call }: KnownText, { prompt }: KnownTexts): boolean {
  if (call === undefined || call.tool.egress !== false) return false;
  const values = Object.values(call.arguments).filter((value) => value !== null);
  return (
    values.length > 0 &&
    values.every((value) => {
      if (typeof value !== 'string' || value.length > nameBounds.lengthMax) return false;
      const word = readWord(value);
      return word.folded.length > 2 && prompt.some((text) => text.hasWord(word));
    })
  );
}
