import { createKeywordAutomaton, type KeywordAutomaton } from '../text/keyword-automaton.ts';
import type { ContextWord } from './context-words.ts';
import {
  capitalUnit,
  classOf,
  foldUnit,
  isWordUnit,
  plainUnit,
  sensitiveUnit,
  spaceUnit,
  type UnitClass,
} from './unit-classes.ts';

/** What the words of a scan are looked up in; the lists go by the automaton's indexes. */
export interface Words {
  readonly automaton: KeywordAutomaton;
  readonly holds: readonly ContextWord['holds'][];
  /** For each unit of ASCII: its step in the automaton, and above `stepMax` what it means to the segmenter. */
  readonly ascii: Uint32Array;
  /**
   * For each unit of ASCII that nothing but its token depends on: its step, one bit for its class, and one if it belongs to a word;
   * 0 for the others.
   */
  readonly simple: Uint32Array;
  /** How long the word is if it counts only where a word begins, or else 0. */
  readonly beginnings: Uint8Array;
}

/** More letters in a row are no word. */
export const wordMax = 32;
/** Capitals that some identifiers begin with, such as a country. */
export const prefixMax = 4;

const begins = ['-----begin', '---- begin'];
const ends = ['-----end', '---- end'];
/** The first indexes belong to what begins a private key. */
export const beginMarkers: number = begins.length;
/** Below it are the indexes of what begins or ends a private key. */
export const markers: number = begins.length + ends.length;
const scheme: ContextWord = { word: '://', holds: 'words' };
// What is kept of a scan's history.
const historyMax = 30;

/** Makes the words ready, together with the marks that every scan needs; of a word given twice, what holds more counts. */
export function createWords(given: readonly ContextWord[]): Words {
  const byLiteral = new Map<string, ContextWord>();
  for (const { word, holds, isBeginning = false } of [scheme, ...given]) {
    // White space at an end of a word would keep every segment open; a token ends there anyway. Within, it stands for any.
    const literal = word.trim().replaceAll(/\s+/g, ' ');
    const known = byLiteral.get(literal) ?? { word: literal, holds, isBeginning };
    if (literal === '') continue;
    byLiteral.set(literal, {
      word: literal,
      holds: strength[holds] > strength[known.holds] ? holds : known.holds,
      isBeginning: isBeginning && known.isBeginning === true,
    });
  }
  const words = [...byLiteral.values()];
  const marks = [...begins, ...ends].map((): ContextWord['holds'] => 'token');
  const lengths = words.map(({ word, isBeginning = false }) =>
    isBeginning && word.length < historyMax && isWordUnit(word.charCodeAt(0)) ? word.length : 0,
  );
  const automaton = createKeywordAutomaton([...begins, ...ends, ...byLiteral.keys()]);
  return {
    automaton,
    ascii: Uint32Array.from({ length: 0x80 }, (_, unit) => codeOf(unit, automaton)),
    simple: Uint32Array.from({ length: 0x80 }, (_, unit) => simpleOf(unit, automaton)),
    holds: [...marks, ...words.map(({ holds }) => holds)],
    beginnings: Uint8Array.from([...marks.map(() => 0), ...lengths]),
  };
}

/** The highest step; above it is the class of the unit. */
export const stepMax = 0xffff;
/** Of a code, by which the class is above the step. */
export const classShift = 16;

/** The step of a unit in the automaton, with its class. */
export function codeOf(unit: number, { classes }: KeywordAutomaton): number {
  const kind = classOf(unit);
  const folded = kind === spaceUnit ? space : foldUnit(unit);
  return (kind << classShift) | (classes[folded] ?? 0);
}

/** Of the simple units: by these bits above the step one can see what was among many of them. */
export const plainBit = 0x1_0000;
export const capitalBit = 0x2_0000;
export const sensitiveBit = 0x4_0000;
/** Above all of these, the bit of units that belong to words. */
export const wordBitShift = 24;

const bitOf = new Map<UnitClass, number>([
  [plainUnit, plainBit],
  [capitalUnit, capitalBit],
  [sensitiveUnit, sensitiveBit],
]);
// Rows of them surround private keys.
const dash = 0x2d;

function simpleOf(unit: number, { classes }: KeywordAutomaton): number {
  const bit = bitOf.get(classOf(unit));
  if (bit === undefined || unit === dash) return 0;
  return bit + (classes[unit] ?? 0) + (isWordUnit(unit) ? 2 ** wordBitShift : 0);
}

/** The class of the unit with this code. */
export function classOfCode(code: number): UnitClass {
  return code >> classShift;
}

const space = 0x20;
const strength: Readonly<Record<ContextWord['holds'], number>> = {
  token: 0,
  words: 1,
  reach: 2,
  command: 3,
};

/** Whether the word that has just ended counts; a bit of the history says for each unit whether it belongs to a word. */
export function isLookedAt(words: Words, index: number, history: number): boolean {
  const length = words.beginnings[index] ?? 0;
  return length === 0 || ((history >>> length) & 1) === 0;
}
