import type { SearchWork } from '../resolve.ts';
import { findEmail, findUrlCredentials } from './addresses.ts';
import { networkRecognizers } from './network.ts';
import { nationalIds } from './national-ids.ts';
import { europeanIds } from './national-ids-europe.ts';
import { birthRecognizers, cutIban, moneyRecognizers, phoneRecognizers } from './numbers.ts';
import { contextBefore, contextBehind, type Recognizer } from './recognizer.ts';
import { createShapes, shapeAt } from './shapes.ts';
import { walletRecognizers } from './wallets.ts';

/** Every form of personal data. */
export const allRecognizers: readonly Recognizer[] = [
  ...moneyRecognizers,
  ...phoneRecognizers,
  ...birthRecognizers,
  ...networkRecognizers,
  ...walletRecognizers,
  ...nationalIds,
  ...europeanIds,
];

/** What the forms of personal data are searched with, for those who compare; checks and words come on top. */
export const personalForms: readonly RegExp[] = allRecognizers.map(({ form }) => form);

/** The detectors of personal data by name; each kind of a national number is one by itself as well. */
export const personalDetectors: ReadonlySet<string> = new Set([
  'email',
  'url_credentials',
  ...allRecognizers.map(({ detector }) => detector),
  ...allRecognizers.filter(({ detector }) => detector === 'national_id').map(singleName),
]);

const none = 0;
const digit = 1;
const letter = 2;
const sign = 3;
/** Goes on with a token and begins none. */
const joint = 4;
const classes = createClasses();
const startNames = ['none', 'digit', 'letter', 'sign'];
const dash = 0x2d;
const atSign = 0x40;
const colon = 0x3a;
const unitsPerTry = 8;
const unitsPerMark = 50;
const unitsPerMatch = 40;
const unitsPerContext = 80;
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
  const active = allRecognizers.filter(
    (recognizer) => chosen.has(recognizer.detector) || chosen.has(singleName(recognizer)),
  );
  const formsOf = ([none, digit, letter, sign] as const).map((kind) =>
    createShapes(active.filter(({ start }) => start === startNames[kind])),
  );

  function tryAt(text: string, at: number, now: number, work: SearchWork): void {
    const forms = formsOf[now]?.(shapeAt(text, at)) ?? [];
    if (forms.length > 0 && mayBegin(text, at, forms)) tryForms(forms, text, at, work);
  }

  return function scan(text, from, work) {
    let before = none;
    for (let at = from; at < text.length && !work.budget.isExhausted(); at += 1) {
      const unit = text.charCodeAt(at);
      const now = classes[unit] ?? none;
      if (now === letter && before === letter) continue;
      if (unit === atSign || unit === colon) findAtMark(text, at, chosen, work);
      if (mayBeginAt(text, at, now, before)) {
        const length = before === none ? timestampLength(text, at) : 0;
        if (length > 0) at += length - 1;
        else tryAt(text, at, now, work);
      }
      // Within a token nothing begins; letters with digits are one token.
      before = now === digit ? letter : now;
    }
  };
}

function tryForms(forms: readonly Recognizer[], text: string, at: number, work: SearchWork): void {
  work.budget.take(unitsPerTry * forms.length);
  for (const recognizer of forms) tryForm(recognizer, text, at, work);
}

/** Addresses are read from the mark that they have within them. */
function findAtMark(
  text: string,
  at: number,
  chosen: ReadonlySet<string>,
  { budget, found }: SearchWork,
): void {
  if (text.charCodeAt(at) === atSign) {
    if (chosen.has('email') && budget.take(unitsPerMark)) findEmail(text, at, found);
  } else if (chosen.has('url_credentials') && text.startsWith('://', at)) {
    if (budget.take(unitsPerMark)) findUrlCredentials(text, at, found);
  }
}

/** How long the date with a time of day is that begins here; logs are full of them. */
function timestampLength(text: string, at: number): number {
  if (text.charCodeAt(at + 4) !== dash || text.charCodeAt(at + 7) !== dash) return 0;
  timestamp.lastIndex = at;
  return timestamp.exec(text)?.[0].length ?? 0;
}

function mayBeginAt(text: string, at: number, now: number, before: number): boolean {
  if (now === none || now === joint || text.charCodeAt(at) >= 0x80) return false;
  return before === none || before === sign || now === sign || (now === digit && isGlued(text, at));
}

function singleName({ kind }: Recognizer): string {
  return kind.toLowerCase();
}

function mayBegin(text: string, at: number, [first]: readonly Recognizer[]): boolean {
  switch (first?.start) {
    case 'sign':
      return true;
    case 'digit':
      return !isShortNumber(text, at) && mayBeValue(text, at);
    case 'letter':
      return mayBeCode(text, at);
    case undefined:
      return false;
  }
}

/** A word of letters alone is left at once, if no digit or colon stands within or right behind it. */
function mayBeCode(text: string, at: number): boolean {
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
    const kind = unit < 128 ? classes[unit] : none;
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
  if (at < 2 || !isSmallLetter(text.charCodeAt(at - 1))) return false;
  glued.lastIndex = at - 2;
  return glued.test(text);
}

function isSmallLetter(unit: number): boolean {
  return unit >= 0x61 && unit <= 0x7a;
}

function tryForm(
  recognizer: Recognizer,
  text: string,
  at: number,
  { budget, found }: SearchWork,
): void {
  const { form, detector, kind, rank } = recognizer;
  form.lastIndex = at;
  const match = form.exec(text);
  if (match === null) {
    return;
  }
  const value = recognizer.kind === 'IBAN' ? cutIban(match[0]) : match[0];
  budget.take(unitsPerMatch);
  if (value === null || value.length === 0 || recognizer.check?.(value) === false) return;
  const end = at + value.length;
  // Another form of the kind has said so already, and words are the most work.
  const last = found.at(-1);
  if (last !== undefined && last.kind === kind && last.start <= at && last.end >= end) return;
  if (recognizer.certainty !== 'certain') budget.take(unitsPerContext);
  if (hasPlace(recognizer, text, at, end)) {
    found.push({ detector, kind, start: at, end, rank: rank + 2 });
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
  const table = new Uint8Array(0x1_0000).fill(letter, 0x80);
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
