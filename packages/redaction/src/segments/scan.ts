import { escapeUnits } from '../text/invisible.ts';
import type { ContextWord } from './context-words.ts';
import * as unitClasses from './unit-classes.ts';
import {
  beginMarkers,
  capitalBit,
  isLookedAt,
  markers,
  plainBit,
  prefixMax,
  sensitiveBit,
  stepMax,
  wordBitShift,
  wordMax,
  type Words,
} from './words.ts';

/** Where the open segment stands. Offsets count from its start. */
export interface Scan {
  /** UTF-16 units read. */
  size: number;
  /** State of the automaton of words. */
  state: number;
  /** One bit for each unit read, the last one lowest: whether it belongs to a word. */
  history: number;
  /** Something in the segment may be, or belong to, a value. */
  isSensitive: boolean;
  /** What goes on that does not show: a sequence for a terminal, or the second half of a pair. */
  passing: 'none' | 'escape' | 'parameters' | 'half';
  /** One of the words stands in it. */
  hasWord: boolean;
  /** Plain words to wait for after a value; `wordsPerValue` of them each time. */
  wordsToWait: number;
  wordsPerValue: number;
  /** Up to where a context word keeps the segment open. */
  openUntil: number;
  /** Units of the token that is being read, without invisible ones. */
  tokenSize: number;
  isTokenSensitive: boolean;
  /** The token is more than operators and quotes. */
  isWord: boolean;
  capitals: number;
  /** The unit before was white space. */
  isGap: boolean;
  /** Behind the last place where a forced cut does little harm. */
  delimiterEnd: number;
  block: 'none' | 'label' | 'open' | 'end';
  blockStart: number;
  /** Dashes in a row, and where their row began. */
  dashes: number;
  dashStart: number;
  label: string;
  /** Units since the marker of the block's end. */
  endSize: number;
  plainWordsInBlock: number;
  /** The segment begins inside a private key. */
  isTail: boolean;
  /** Where the last private key that is over ends; 0 without one. */
  blockEnd: number;
}

const dashesMin = 4;
const labelMax = 80;
/** No line of a key has as many words in a row: this block is prose about keys. */
const proseWordsMin = 12;
const wordsAfterValue = 2;
/** Between two options of a command there are fewer. */
const wordsInCommand = 8;
/** Without an operator such as `=`, a value stands this close to the word that announces it. */
const reachMax = 28;

function startScan(): Scan {
  return {
    size: 0,
    state: 0,
    history: 0,
    isSensitive: false,
    passing: 'none',
    hasWord: false,
    wordsToWait: 0,
    wordsPerValue: wordsAfterValue,
    openUntil: 0,
    tokenSize: 0,
    isTokenSensitive: false,
    isWord: false,
    capitals: 0,
    isGap: false,
    delimiterEnd: 0,
    block: 'none',
    blockStart: 0,
    dashes: 0,
    dashStart: 0,
    label: '',
    endSize: 0,
    plainWordsInBlock: 0,
    isTail: false,
    blockEnd: 0,
  };
}

/** Begins the next segment; `isInBlock` when a private key goes on into it. */
export function resetScan(scan: Scan, isInBlock: boolean): void {
  scan.size = 0;
  scan.state = 0;
  scan.history = 0;
  scan.isSensitive = isInBlock;
  scan.passing = 'none';
  scan.hasWord = isInBlock;
  scan.wordsToWait = 0;
  scan.wordsPerValue = wordsAfterValue;
  scan.openUntil = 0;
  scan.tokenSize = 0;
  scan.isTokenSensitive = false;
  scan.isWord = false;
  scan.capitals = 0;
  scan.isGap = false;
  scan.delimiterEnd = 0;
  if (!isInBlock) scan.block = 'none';
  else if (scan.block !== 'end') scan.block = 'open';
  scan.dashes = 0;
  scan.plainWordsInBlock = 0;
  scan.isTail = isInBlock;
  scan.blockEnd = 0;
}

/** A scan at the start of a text that another one stands before. */
export function startBehind(before: string, words: Words): Scan {
  const scan = startScan();
  for (let at = 0; at < before.length; at += 1) scanUnit(scan, before.charCodeAt(at), words);
  scan.openUntil = Math.max(0, scan.openUntil - scan.size);
  scan.size = 0;
  scan.tokenSize = 0;
  scan.delimiterEnd = 0;
  scan.block = 'none';
  return scan;
}

/** Reads one unit; true when the segment closes behind it. */
export function scanUnit(scan: Scan, unit: number, words: Words): boolean {
  const kind = unitClasses.classOf(unit);
  scan.size += 1;
  if (isPassedOver(scan, unit, kind)) return false;
  const isSpace = kind === unitClasses.spaceUnit;
  const folded = isSpace ? space : unitClasses.foldUnit(unit);
  // Words of two words may have any white space between them.
  if (!isSpace || !scan.isGap) {
    scan.state = words.automaton.next(scan.state, folded);
    scan.history = (scan.history << 1) | (unitClasses.isWordUnit(folded) ? 1 : 0);
    if (folded === dash || scan.dashes > 0 || scan.block !== 'none') readBlock(scan, folded);
    if (scan.state >= words.automaton.endingFrom) readWords(scan, words);
  }
  scan.isGap = isSpace;
  if (isSpace) return endToken(scan);
  scan.tokenSize += 1;
  const isOption = folded === dash && scan.tokenSize === 1;
  if (isOption && scan.wordsPerValue === wordsInCommand) scan.isTokenSensitive = true;
  readToken(scan, kind);
  return false;
}

/** Reads what words and numbers of ASCII are made of as `scanUnit` does, as far as nothing else depends on it; gives the place behind. */
export function scanPlain(scan: Scan, text: string, from: number, words: Words): number {
  if (scan.block !== 'none' || scan.dashes > 0 || scan.passing !== 'none') return from;
  const { rows, endingFrom } = words.automaton;
  const { simple } = words;
  const last = Math.min(from + plainLeft(scan), text.length);
  let { state, history, capitals } = scan;
  let kinds = 0;
  let at = from;
  for (; at < last; at += 1) {
    const unit = text.charCodeAt(at);
    const code = unit < 0x80 ? (simple[unit] ?? 0) : 0;
    const next = rows[state + (code & stepMax)] ?? 0;
    if (code === 0 || next >= endingFrom) break;
    state = next;
    history = (history << 1) | (code >>> wordBitShift);
    if ((code & capitalBit) !== 0) capitals += 1;
    kinds |= code;
  }
  if (at === from) return from;
  scan.state = state;
  scan.history = history;
  scan.capitals = capitals;
  scan.size += at - from;
  scan.tokenSize += at - from;
  scan.isGap = false;
  if ((kinds & (plainBit | capitalBit)) !== 0) scan.isWord = true;
  if ((kinds & sensitiveBit) !== 0) markSensitive(scan);
  return at;
}

/** Units that change nothing but the size of the token. */
function plainLeft({ isSensitive, isTokenSensitive, size, tokenSize }: Scan): number {
  // A token that may be a value already stays one however long it gets.
  const isLong = isSensitive && isTokenSensitive;
  return isLong ? plainMax - size : Math.min(wordMax - tokenSize, plainMax - size);
}

/** Whether the unit is part of what does not show; such units bring nothing nearer to its end. */
function isPassedOver(scan: Scan, unit: number, kind: unitClasses.UnitClass): boolean {
  const before = scan.passing;
  if (before === 'none' && kind !== unitClasses.invisibleUnit) return false;
  scan.passing = 'none';
  if (isGoingOn(scan, before, unit)) return true;
  if (kind !== unitClasses.invisibleUnit) return false;
  if (scan.openUntil >= scan.size) scan.openUntil += 1;
  if (unit === escapeUnits.escape || unit === escapeUnits.introducer) {
    scan.passing = unit === escapeUnits.escape ? 'escape' : 'parameters';
    // What follows is looked at with and without the sequence, and a word may be in either.
    scan.isSensitive = true;
    scan.hasWord = true;
  } else if (unitClasses.isHighSurrogate(unit)) {
    scan.passing = 'half';
  }
  return true;
}

function isGoingOn(scan: Scan, passing: Scan['passing'], unit: number): boolean {
  switch (passing) {
    case 'none':
      return false;
    case 'half':
      return unitClasses.isLowSurrogate(unit);
    case 'escape':
      if (unit === bracket) scan.passing = 'parameters';
      return unit === bracket;
    case 'parameters':
      if (unit >= 0x30 && unit < 0x40) scan.passing = 'parameters';
      return unit >= 0x30 && unit < 0x7f;
  }
}

const bracket = 0x5b;
/** Below every size at which a segment is cut. */
const plainMax = 4_000;
const dash = 0x2d;
const space = 0x20;

function readToken(scan: Scan, kind: unitClasses.UnitClass): void {
  if (kind === unitClasses.plainUnit) {
    scan.isWord = true;
    if (scan.tokenSize > wordMax) markSensitive(scan);
  } else if (kind === unitClasses.capitalUnit) {
    scan.isWord = true;
    scan.capitals += 1;
    if (scan.tokenSize > wordMax) markSensitive(scan);
  } else if (kind === unitClasses.sensitiveUnit) {
    markSensitive(scan);
  } else {
    scan.delimiterEnd = scan.size;
    // The value that an operator announces may be as far away from it as the operator from its name.
    if (kind === unitClasses.operatorUnit && scan.size <= scan.openUntil) {
      scan.openUntil = scan.size + reachMax;
    }
  }
}

function markSensitive(scan: Scan): void {
  scan.isSensitive = true;
  scan.isTokenSensitive = true;
}

/** White space: the segment closes when nothing is waited for. */
function endToken(scan: Scan): boolean {
  scan.delimiterEnd = scan.size;
  if (scan.tokenSize > 0) {
    scan.plainWordsInBlock = scan.isTokenSensitive ? 0 : scan.plainWordsInBlock + 1;
    if (scan.isTokenSensitive) scan.wordsToWait = scan.wordsPerValue;
    else if (scan.wordsToWait > 0) scan.wordsToWait -= scan.isWord ? 1 : 0;
    // The letters that some identifiers begin with, such as a country.
    else if (scan.capitals === scan.tokenSize && scan.capitals <= prefixMax) scan.wordsToWait = 1;
    scan.tokenSize = 0;
    scan.capitals = 0;
    scan.isTokenSensitive = false;
    scan.isWord = false;
  }
  if (scan.block === 'open' && scan.plainWordsInBlock >= proseWordsMin) leaveBlock(scan, scan.size);
  const isOver = scan.wordsToWait === 0 && scan.size >= scan.openUntil;
  // In the midst of a word of two words the automaton is not at its start.
  return isOver && scan.block === 'none' && scan.state === 0;
}

function readWords(scan: Scan, words: Words): void {
  for (const index of words.automaton.endingIn(scan.state)) {
    if (!isLookedAt(words, index, scan.history)) continue;
    scan.isSensitive = true;
    scan.hasWord = true;
    if (index < beginMarkers) {
      if (scan.block === 'none') startBlock(scan);
    } else if (index < markers) {
      if (scan.block === 'open') endBlock(scan);
    } else {
      holdFor(scan, words.holds[index] ?? 'token');
    }
  }
}

function holdFor(scan: Scan, holds: ContextWord['holds']): void {
  switch (holds) {
    case 'token':
      return;
    case 'words':
      scan.isTokenSensitive = true;
      return;
    case 'reach':
      scan.openUntil = scan.size + reachMax;
      return;
    case 'command':
      scan.isTokenSensitive = true;
      scan.wordsPerValue = wordsInCommand;
  }
}

function startBlock(scan: Scan): void {
  scan.block = 'label';
  scan.blockStart = scan.dashStart;
  scan.label = '';
  scan.dashes = 0;
}

function endBlock(scan: Scan): void {
  scan.block = 'end';
  scan.endSize = 0;
  scan.dashes = 0;
}

function readBlock(scan: Scan, folded: number): void {
  const isDash = folded === dash;
  if (isDash && scan.dashes === 0) scan.dashStart = scan.size - 1;
  // The markers with a space inside begin where their dashes begin.
  const isGap = folded === space && scan.dashes === dashesMin && scan.block !== 'end';
  const dashesBefore = scan.dashes;
  scan.dashes = isDash ? scan.dashes + 1 : isGap ? scan.dashes : 0;
  if (scan.block === 'label') readLabel(scan, folded, dashesBefore);
  if (scan.block === 'end') readEnd(scan, isDash, dashesBefore);
}

function readLabel(scan: Scan, folded: number, dashesBefore: number): void {
  scan.label += String.fromCharCode(folded);
  const isComplete = dashesBefore >= dashesMin || scan.dashes > dashesMin;
  if (!isComplete && scan.label.length < labelMax) return;
  scan.block = /private/i.test(scan.label) ? 'open' : 'none';
  scan.plainWordsInBlock = 0;
}

/** The block ends behind the dashes that follow its end marker. */
function readEnd(scan: Scan, isDash: boolean, dashesBefore: number): void {
  scan.endSize += 1;
  const isOver = scan.dashes > dashesMin || (!isDash && dashesBefore >= dashesMin);
  if (!isOver && scan.endSize < labelMax) return;
  scan.wordsToWait = 0;
  scan.openUntil = 0;
  leaveBlock(scan, isDash ? scan.size : scan.size - 1);
}

function leaveBlock(scan: Scan, end: number): void {
  scan.block = 'none';
  scan.blockEnd = end;
}
