import type { Json, JsonObject, ToolDefinition } from '@modelhost/kernel';
import { isJsonObject } from '@modelhost/kernel';
import type { AnswerRecord } from './answer-record.ts';
import { foldWithin } from './fold.ts';
import { createPromptText } from './prompt-text.ts';
import type { PromptText } from './prompt-text.ts';
import { readRecords } from './records.ts';
import { createSearchable, once } from './searchable.ts';
import type { SearchableText } from './searchable.ts';

/** A text that was there before the call. The same object is the same text: what was read of it is kept with it. */
export interface EvidenceText {
  /** Where it stands, such as `turn-1/tool-2`. */
  readonly source: string;
  readonly text: string;
  /** The call that it answers; undefined for what is no answer of a tool, such as the instructions. */
  readonly call?: { readonly tool: ToolDefinition; readonly arguments: JsonObject };
}

/** Everything that was there before the call, by who could have written it. */
export interface EvidenceTexts {
  /** What the user asked for in his own words. */
  readonly prompt: readonly string[];
  readonly trusted: readonly EvidenceText[];
  /** Each is untrusted as a whole, whoever wrote which part of it. */
  readonly untrusted: readonly EvidenceText[];
}

/** UTF-16 units that are looked at when they are folded, of one text from its start; what is past them endorses nothing. */
const textBounds = { text: 131_072, all: 262_144, texts: 512 } as const;

/** A text within the bounds, with the call that it answers. */
export interface KnownText extends SearchableText {
  readonly call: EvidenceText['call'];
  /** The call's own arguments: what an answer repeats of them says nothing. */
  readonly echo: SearchableText;
  /** What it lists; undefined when that cannot be read. */
  records(): readonly AnswerRecord[] | undefined;
  /** Something of it, or of its call's arguments, is past the bound. */
  readonly isCut: boolean;
  readonly isEchoCut: boolean;
}

/** The texts that are looked at. */
export interface KnownTexts {
  readonly prompt: readonly PromptText[];
  readonly trusted: readonly KnownText[];
  readonly untrusted: readonly KnownText[];
  /** Something was past a bound, so that nothing can be said to be the only one. */
  readonly isCut: boolean;
  /** Arguments of earlier calls that could have put a value where it was read later. */
  readonly written: readonly SearchableText[];
  /** Some such arguments were past a bound, so that nobody knows all that was written. */
  readonly isWrittenCut: boolean;
}

// What was read of a text, which costs, is read once for all calls of its run. It is forgotten with the text.
const knownAnswers = new WeakMap<EvidenceText, KnownText>();
const knownPrompts = new WeakMap<readonly string[], readonly PromptText[]>();

/** Reads the texts within the bounds. The user's own words come first, what is untrusted last. */
export function readTexts({ prompt, trusted, untrusted }: EvidenceTexts): KnownTexts {
  const words = readPrompt(prompt);
  const budget = {
    unitsLeft: textBounds.all - words.reduce((units, { folded }) => units + folded.length, 0),
    textsLeft: textBounds.texts - words.length,
  };
  const take = (texts: readonly EvidenceText[]): readonly KnownText[] =>
    texts.flatMap((given) => {
      if (budget.textsLeft <= 0 || budget.unitsLeft <= 0) return [];
      const text = readAnswer(given);
      budget.textsLeft -= 1;
      budget.unitsLeft -= text.folded.length + text.echo.folded.length;
      return budget.unitsLeft < 0 ? [] : [text];
    });
  const answers = { trusted: take(trusted), untrusted: take(untrusted) };
  const all = [...answers.trusted, ...answers.untrusted];
  const isLeftOut = all.length < trusted.length + untrusted.length;
  const writing = all.filter(({ call }) => call !== undefined && call.tool.effect !== 'none');
  return {
    prompt: words,
    ...answers,
    isCut:
      isLeftOut || words.length < prompt.length || [...words, ...all].some(({ isCut }) => isCut),
    written: writing.map(({ echo }) => echo),
    isWrittenCut: isLeftOut || writing.some(({ isEchoCut }) => isEchoCut),
  };
}

function readPrompt(prompt: readonly string[]): readonly PromptText[] {
  const known = knownPrompts.get(prompt);
  // The list may have grown since.
  if (known?.length === Math.min(prompt.length, textBounds.texts)) return known;
  let unitsLeft: number = textBounds.all;
  const words: PromptText[] = [];
  for (const text of prompt.slice(0, textBounds.texts)) {
    const word = createPromptText(text, Math.max(0, Math.min(textBounds.text, unitsLeft)));
    unitsLeft -= word.folded.length;
    words.push(word);
  }
  knownPrompts.set(prompt, words);
  return words;
}

function readAnswer(given: EvidenceText): KnownText {
  const known = knownAnswers.get(given);
  if (known !== undefined) return known;
  const { text, source, call } = given;
  const { cased, isCut } = foldWithin(text, textBounds.text);
  const echo = foldWithin(
    call === undefined ? '' : stringsIn(call.arguments).join('\n'),
    textBounds.text,
  );
  const read: KnownText = {
    ...createSearchable(source, cased),
    call,
    echo: createSearchable(source, echo.cased),
    records: once(() => (isCut ? undefined : readRecords(text))),
    isCut,
    isEchoCut: echo.isCut,
  };
  knownAnswers.set(given, read);
  return read;
}

/** All that the arguments say, names and values. A call that was made had arguments within the bounds of policy. */
function stringsIn(value: Json): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((item: Json) => stringsIn(item));
  if (isJsonObject(value)) {
    return Object.entries(value).flatMap(([name, member]) => [name, ...stringsIn(member)]);
  }
  return typeof value === 'string' || typeof value === 'number' ? [String(value)] : [];
}
