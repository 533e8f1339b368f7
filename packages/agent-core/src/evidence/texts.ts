import type { JsonObject, ToolDefinition } from '@modelhost/kernel';
import { fold } from './fold.ts';
import { createPromptText } from './prompt-text.ts';
import type { PromptText } from './prompt-text.ts';
import { readRecords } from './records.ts';
import type { AnswerRecord } from './records.ts';
import { createSearchable, once } from './searchable.ts';
import type { SearchableText } from './searchable.ts';

/** A text that was there before the call. */
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

/** UTF-16 units that are looked at, from the start; what is past them endorses nothing. */
const textBounds = { text: 131_072, all: 1_048_576, texts: 512 } as const;

/** A text within the bounds, with the call that it answers. */
export interface KnownText extends SearchableText {
  readonly call: EvidenceText['call'];
  /** The call's own arguments: what an answer repeats of them says nothing. */
  readonly echo: SearchableText;
  /** What it lists; undefined when that cannot be read. */
  records(): readonly AnswerRecord[] | undefined;
}

/** The texts that are looked at. */
export interface KnownTexts {
  readonly prompt: readonly PromptText[];
  readonly trusted: readonly KnownText[];
  readonly untrusted: readonly KnownText[];
  /** Something was past a bound, so that nothing can be said to be the only one. */
  readonly isCut: boolean;
}

/** Cuts and folds the texts. The user's own words come first, what is untrusted last. */
export function readTexts({ prompt, trusted, untrusted }: EvidenceTexts): KnownTexts {
  const budget = { unitsLeft: textBounds.all as number, textsLeft: textBounds.texts as number };
  let isCut = false;
  const take = (text: string): string => {
    const length = budget.textsLeft > 0 ? Math.min(textBounds.text, budget.unitsLeft) : 0;
    budget.textsLeft -= 1;
    budget.unitsLeft -= Math.min(length, text.length);
    if (text.length > length) isCut = true;
    return text.slice(0, length);
  };
  const takeAnswer = (given: EvidenceText): KnownText => {
    const text = take(given.text);
    const echo = given.call === undefined ? '' : fold(stringsIn(given.call.arguments));
    return {
      ...createSearchable(given.source, fold(text)),
      call: given.call,
      echo: createSearchable(given.source, echo),
      records: once(() => readRecords(text)),
    };
  };
  const words = prompt.map((text) => createPromptText(take(text)));
  const answers = { trusted: trusted.map(takeAnswer), untrusted: untrusted.map(takeAnswer) };
  return { prompt: words, ...answers, isCut };
}

/** All that the arguments say. A call that was made had arguments within the bounds of policy. */
function stringsIn(values: JsonObject): string {
  return JSON.stringify(values).slice(0, textBounds.text);
}
