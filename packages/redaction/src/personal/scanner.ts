import type { Candidate, SearchWork } from '../resolve.ts';
import { findEmail, findUrlCredentials } from './addresses.ts';
import { networkRecognizers } from './network.ts';
import { nationalIds } from './national-ids.ts';
import { europeanIds } from './national-ids-europe.ts';
import { birthRecognizers, cutIban, moneyRecognizers, phoneRecognizers } from './numbers.ts';
import { contextBefore, contextBehind, type Recognizer } from './recognizer.ts';
import { walletRecognizers } from './wallets.ts';

const recognizers: readonly Recognizer[] = [
  ...moneyRecognizers,
  ...phoneRecognizers,
  ...birthRecognizers,
  ...networkRecognizers,
  ...walletRecognizers,
  ...nationalIds,
  ...europeanIds,
];

/** The detectors of personal data by name; each kind of a national number is one by itself as well. */
export const personalDetectors: ReadonlySet<string> = new Set([
  'email',
  'url_credentials',
  ...recognizers.map(({ detector }) => detector),
  ...recognizers.filter(({ detector }) => detector === 'national_id').map(singleName),
]);

const none = 0;
const digit = 1;
const letter = 2;
const sign = 3;
/** Goes on with a token and begins none. */
const joint = 4;
const classes = createClasses();
const unitsPerTry = 12;
const unitsPerMark = 120;
const spanMax = 24;
const betweenFew = /[.:]/;
const joiners = new Set([0x20, 0x2d, 0x2e, 0x2f, 0x29]);
const timestamp =
  /\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?(?![\d:])/y;
/** A text without any words, such as a field of a form, is no longer than this. */
const aloneMax = 128;
const shortNumber = /\d{1,6}(?=$|[\s,;!?"')\]}<>&|=]+(?:[^\d(jfmasondJFMASOND]|$)|[,;"'\]}])/y;
const glued = /[a-z]{2}\d{3}(?:\d{3}|-\d)/y;
const anyLetter = /\p{L}/u;

/** Finds personal data in one pass: forms are tried only where a token begins that could be one. */
export function createPersonalScanner(
  chosen: ReadonlySet<string>,
): (text: string, from: number, work: SearchWork) => void {
  const active = recognizers.filter(
    (recognizer) => chosen.has(recognizer.detector) || chosen.has(singleName(recognizer)),
  );
  const byStart = [
    [],
    active.filter(({ start }) => start === 'digit'),
    active.filter(({ start }) => start === 'letter'),
    active.filter(({ start }) => start === 'sign'),
  ];

  return function scan(text, from, { budget, found }) {
    let before = none;
    for (let at = from; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      const now = unit < 128 ? (classes[unit] ?? none) : letter;
      if (isMark(unit)) {
        budget.take(unitsPerMark);
        findAtMark(text, at, chosen, found);
      }
      const length = now === digit && before === none ? timestampLength(text, at) : 0;
      if (length === 0 && isBeginning(text, at, now, before)) {
        const forms = byStart[now] ?? [];
        budget.take(unitsPerTry * forms.length);
        forms.forEach((recognizer) => tryForm(recognizer, text, at, found));
      }
      if (budget.isExhausted()) {
        return;
      }
      at += Math.max(0, length - 1);
      // Within a token nothing begins; letters with digits are one token.
      before = now === digit ? letter : now;
    }
  };
}

function isMark(unit: number): boolean {
  return unit === 0x40 || unit === 0x3a;
}

/** Addresses are read from the mark that they have within them. */
function findAtMark(
  text: string,
  at: number,
  chosen: ReadonlySet<string>,
  found: Candidate[],
): void {
  if (text.charCodeAt(at) === 0x40) {
    if (chosen.has('email')) {
      findEmail(text, at, found);
    }
  } else if (chosen.has('url_credentials') && text.startsWith('://', at)) {
    findUrlCredentials(text, at, found);
  }
}

/** How long the date with a time of day is that begins here; logs are full of them. */
function timestampLength(text: string, at: number): number {
  timestamp.lastIndex = at;
  return timestamp.exec(text)?.[0].length ?? 0;
}

function isBeginning(text: string, at: number, now: number, before: number): boolean {
  if (now === none || now === joint) {
    return false;
  }
  const isFirst = before === none || before === sign || isGlued(text, at);
  return now === sign || (isFirst && mayBegin(text, at, now));
}

function singleName({ kind }: Recognizer): string {
  return kind.toLowerCase();
}

/** A word of letters alone is left at once, if no digit or colon stands within or right behind it. */
function mayBegin(text: string, at: number, now: number): boolean {
  if (now === digit) {
    return !isShortNumber(text, at) && mayBeValue(text, at);
  }
  // Pairs or fours of hexadecimal letters, as machines have them.
  if (/[-:]/.test(text.charAt(at + 2)) || text.charAt(at + 4) === '.') {
    return true;
  }
  for (let ahead = at + 1; ahead < at + 12; ahead += 1) {
    const unit = text.charCodeAt(ahead);
    if ((unit >= 48 && unit <= 57) || unit === 0x3a) {
      return true;
    }
    const isLetter = unit < 128 && classes[unit] === letter;
    if (!isLetter && unit !== 0x20 && unit !== 0x2e && unit !== 0x2d) {
      return false;
    }
  }
  return false;
}

/** All forms have five digits, or dots, colons or dashes between few, or are long. */
function mayBeValue(text: string, at: number): boolean {
  if (text.charAt(at + 2) === '-' || betweenFew.test(text.slice(at, at + 5))) {
    return true;
  }
  let digits = 0;
  let ahead = at;
  for (; ahead < at + spanMax; ahead += 1) {
    const unit = text.charCodeAt(ahead);
    const kind = unit < 128 ? (classes[unit] ?? none) : none;
    digits += kind === digit ? 1 : 0;
    if (digits >= 5) {
      return true;
    }
    if (kind === none && !joiners.has(unit)) {
      return false;
    }
  }
  return true;
}

/** A few digits that nothing joins to more of them: no form is that short. A month may follow a day. */
function isShortNumber(text: string, at: number): boolean {
  shortNumber.lastIndex = at;
  return shortNumber.test(text);
}

/** A long number right behind a word, where someone forgot the space. */
function isGlued(text: string, at: number): boolean {
  glued.lastIndex = Math.max(0, at - 2);
  return at >= 2 && glued.test(text);
}

function tryForm(recognizer: Recognizer, text: string, at: number, found: Candidate[]): void {
  const { form } = recognizer;
  form.lastIndex = at;
  const match = form.exec(text);
  if (match === null) {
    return;
  }
  const value = recognizer.kind === 'IBAN' ? cutIban(match[0]) : match[0];
  if (value === null || value.length === 0 || recognizer.check?.(value) === false) {
    return;
  }
  if (hasPlace(recognizer, text, at, at + value.length)) {
    const { detector, kind, rank } = recognizer;
    found.push({ detector, kind, start: at, end: at + value.length, rank: rank + 2 });
  }
}

function hasPlace(recognizer: Recognizer, text: string, start: number, end: number): boolean {
  if (recognizer.certainty === 'certain' || recognizer.context === undefined) {
    return true;
  }
  const before = text.slice(Math.max(0, start - contextBefore), start);
  const behind = text.slice(end, end + contextBehind);
  if (recognizer.certainty === 'by-word') {
    return recognizer.context.test(before) || recognizer.behind?.test(behind) === true;
  }
  const isAlone =
    text.length <= aloneMax &&
    !anyLetter.test(text.slice(0, start)) &&
    !anyLetter.test(text.slice(end));
  return isAlone || recognizer.context.test(before) || recognizer.context.test(behind);
}

function createClasses(): Uint8Array {
  const table = new Uint8Array(128);
  for (let unit = 48; unit <= 57; unit += 1) {
    table[unit] = digit;
  }
  for (let unit = 65; unit <= 90; unit += 1) {
    table[unit] = letter;
    table[unit + 32] = letter;
  }
  table[0x5f] = joint;
  for (const character of '+(:') {
    table[character.charCodeAt(0)] = sign;
  }
  return table;
}
