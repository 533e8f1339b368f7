import {
  capitalUnit,
  foldUnit,
  invisibleUnit,
  isWordUnit,
  sensitiveUnit,
  spaceUnit,
  type UnitClass,
} from './unit-classes.ts';
import {
  classOfCode,
  classShift,
  codeOf,
  isLookedAt,
  prefixMax,
  stepMax,
  wordMax,
  type Words,
} from './words.ts';

const space = 0x20;
/** Codes of letters, marks and punctuation of prose are below; capitals are the last of them. */
const tellingFrom = sensitiveUnit << classShift;
const capitalFrom = capitalUnit << classShift;

/** What is noted of a text on the way. */
export interface Seen {
  /** The place behind the last unit that is not of ASCII. */
  foreignTo: number;
}

/**
 * Passes over the plain words that begin at a place where a segment begins, as reading unit by unit would pass over them; most
 * of a text is of that kind. Gives the place behind the last segment that is closed and has nothing in it.
 */
export function skipQuiet(text: string, from: number, words: Words, seen: Seen): number {
  const { rows, endingFrom } = words.automaton;
  const { ascii } = words;
  let start = from;
  let state = 0;
  let capitals = 0;
  for (let at = from; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    const code = unit < 0x80 ? (ascii[unit] ?? 0) : codeOf(unit, words.automaton);
    if (unit >= 0x80) seen.foreignTo = at + 1;
    state = rows[state + (code & stepMax)] ?? 0;
    if (state >= endingFrom && isAnyLookedAt(text, at, state, words)) return start;
    if (code < tellingFrom) {
      if (code >= capitalFrom) capitals += 1;
      continue;
    }
    const kind = classOfCode(code);
    if (isTelling(kind)) return start;
    if (kind !== spaceUnit) continue;
    const tokenSize = at - start;
    // In the midst of a word of two words the automaton is not at its start.
    if (state !== 0 || tokenSize > wordMax || isPrefix(tokenSize, capitals)) return start;
    start = at + 1;
    capitals = 0;
  }
  return start;
}

/** Whether nothing is to be found in the text, whatever it is cut into. False for some in which nothing is found either. */
export function isQuietText(text: string, words: Words): boolean {
  const { rows, endingFrom } = words.automaton;
  const { ascii } = words;
  let state = 0;
  let tokenSize = 0;
  let isGap = false;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    const code = unit < 0x80 ? (ascii[unit] ?? 0) : codeOf(unit, words.automaton);
    const kind = classOfCode(code);
    if (isTelling(kind) || tokenSize >= wordMax) return false;
    const isSpace = kind === spaceUnit;
    tokenSize = isSpace ? 0 : tokenSize + 1;
    if (!isSpace || !isGap) {
      state = rows[state + (code & stepMax)] ?? 0;
      if (state >= endingFrom && isAnyLookedAt(text, at, state, words)) return false;
    }
    isGap = isSpace;
  }
  return true;
}

function isPrefix(tokenSize: number, capitals: number): boolean {
  return capitals > 0 && capitals === tokenSize && capitals <= prefixMax;
}

function isTelling(kind: UnitClass): boolean {
  return kind === sensitiveUnit || kind === invisibleUnit;
}

function isAnyLookedAt(text: string, at: number, state: number, words: Words): boolean {
  for (const index of words.automaton.endingIn(state)) {
    const length = words.beginnings[index] ?? 0;
    const before = length === 0 || at < length ? space : foldUnit(text.charCodeAt(at - length));
    if (isLookedAt(words, index, isWordUnit(before) ? -1 : 0)) return true;
  }
  return false;
}
