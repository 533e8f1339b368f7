import type { Candidate, SearchWork } from '../resolve.ts';
import { createKeywordAutomaton } from '../text/keyword-automaton.ts';
import { assignmentWords } from '../segments/context-words.ts';
import { isNoSecret, isPublicWord } from './placeholder.ts';

/** What the search for values behind a name is called, as a rule is. */
export const assignmentRule = 'assigned-secret';

const automaton = createKeywordAutomaton(assignmentWords);
const { classes, rows, endingFrom } = automaton;
/** What may go on behind the word in the same name. Other letters make another word of it. */
const nameTail =
  /(?:s|keys?|value|string|text|code)?(?![a-z])[\w.-]{0,24}(?:\\{0,2}["'`]|[\])]){0,2}/iy;
const operator = /[ \t]{0,4}(?:=>|:=|\?=|={1,3}|:|>)[ \t]{0,4}(?:\r?\n[ \t]{1,4})?/y;
/** Between the words of prose, and between an option and its value. */
const looseOperator = /(?: (?:is|was)(?: now)?:? {1,2}|[ \t]{1,4})/y;
const scheme = /(?:bearer|basic|token|digest|apikey)[ \t]{1,4}/iy;
const opening = /\\{0,2}["'`]/y;
const value = /[^\s"'`]{1,512}/y;
const quotedValue = /[^\s"'`]{1,512}(?=\\{0,2}["'`])/y;
const isEnvironmentName = /(?:^|[^\w.-])(?:--[a-z-]+|[A-Z][A-Z0-9_]*)=$/;
const passwordWord = /^(?:_?pass|pwd)/;
/** What people think of themselves. */
const mayBeWord = /^(?:_?pass|pwd|secret)/;
const unitsPerTry = 60;
const unitsPerValue = 300;
/** A password may be as short as this, other things may not. */
const passwordMin = 4;
const tokenMin = 6;
const reach = 64;
const nameReach = 40;
const nameUnit = /[\w.-]/;

/** Finds what is assigned to a name that says password, secret, token or key, unless it is plainly none. */
export function searchAssignments(text: string, from: number, work: SearchWork): void {
  let state = 0;
  let passed = from;
  for (let at = from; at < text.length; at += 1) {
    state = rows[state + (classes[text.charCodeAt(at)] ?? 0)] ?? 0;
    if (state < endingFrom || at < passed) continue;
    // Of words that end together the first is the longest.
    const word = assignmentWords[automaton.endingIn(state)[0] ?? -1] ?? '';
    if (!work.budget.take(unitsPerTry)) return;
    const found = readAssignment(text, { start: at + 1 - word.length, end: at + 1, word }, work);
    if (found === undefined) continue;
    work.found.push(found);
    passed = found.end;
  }
}

interface Word {
  readonly start: number;
  readonly end: number;
  readonly word: string;
}

function readAssignment(
  text: string,
  { start, end, word }: Word,
  { budget }: SearchWork,
): Candidate | undefined {
  const nameEnd = endOf(nameTail, text, end);
  if (nameEnd === undefined) return undefined;
  const name = text.slice(Math.max(0, start - reach), nameEnd);
  const bound = endOf(operator, text, nameEnd) ?? looseEnd(text, name, nameEnd, word);
  if (bound === undefined || !budget.take(unitsPerValue)) return undefined;
  const schemeEnd = endOf(scheme, text, bound) ?? bound;
  const quoteEnd = endOf(opening, text, schemeEnd);
  const first = quoteEnd ?? schemeEnd;
  const last = endOf(quoteEnd === undefined ? value : quotedValue, text, first);
  if (last === undefined) return undefined;
  const before = text.slice(Math.max(0, start - reach), bound);
  const secret = trim(text.slice(first, last), quoteEnd !== undefined, before);
  const isPassword = passwordWord.test(word);
  const isRefused =
    secret.length < (isPassword ? passwordMin : tokenMin) ||
    isPublicWord(nameOf(text, start, end, nameEnd)) ||
    isNoSecret(secret, {
      isPassword,
      isWordTaken: mayBeWord.test(word) && isEnvironmentName.test(before),
    });
  if (isRefused) return undefined;
  return {
    detector: assignmentRule,
    kind: 'SECRET',
    start: first,
    end: first + secret.length,
    rank: 1,
  };
}

/** The whole name around the word. */
function nameOf(text: string, start: number, end: number, nameEnd: number): string {
  let from = start;
  while (from > start - nameReach && nameUnit.test(text.charAt(from - 1))) from -= 1;
  return text.slice(from, end) + text.slice(end, nameEnd).replace(/[\\"'`\])]+$/, '');
}

/** Without an operator a value follows only an option, a scheme, or the word of a sentence. */
function looseEnd(text: string, name: string, at: number, word: string): number | undefined {
  const end = endOf(looseOperator, text, at);
  if (end === undefined || word === 'bearer') return end;
  const isOption = /(?:^|\s)--?[\w-]{1,40}$/.test(name);
  return isOption || /\w/.test(text.slice(at, end)) ? end : undefined;
}

/** Without what only ends a value: the next field of a query, an escaped end of line, the punctuation of what is around. */
function trim(text: string, isQuoted: boolean, before: string): string {
  const cut = text.replace(/\\[nrt"'].*$|<\/.*$/s, '').replace(/\\+$/, '');
  if (isQuoted) return cut;
  const isQuery = before.charAt(before.search(/[?&][\w.[\]-]{1,60}=$/)) !== '';
  const field = isQuery ? cut.replace(/[&#].*$/s, '') : cut;
  return field.replace(/[,;:)\]}.>]+$/, '');
}

function endOf(form: RegExp, text: string, at: number): number | undefined {
  form.lastIndex = at;
  const match = form.exec(text);
  return match === null ? undefined : at + match[0].length;
}
