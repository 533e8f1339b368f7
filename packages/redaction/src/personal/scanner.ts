import type { SearchWork } from '../resolve.ts';
import { findEmail, findUrlCredentials, lengthOfAt } from './addresses.ts';
import { networkRecognizers } from './network.ts';
import { nationalIds } from './national-ids.ts';
import { europeanIds } from './national-ids-europe.ts';
import { birthRecognizers, cutIban, moneyRecognizers, phoneRecognizers } from './numbers.ts';
import { contextBefore, contextBehind, type Recognizer } from './recognizer.ts';
import { createShapes, type FormSet, type Shapes } from './shapes.ts';
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

let shapesOfAll: Shapes | undefined;

/** Worked out when it is first asked for, for all forms at once: it takes some milliseconds. */
function shapes(): Shapes {
  shapesOfAll ??= createShapes(personalForms);
  return shapesOfAll;
}

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
const starts: Readonly<Record<Recognizer['start'], number>> = { digit, letter, sign };
const noForms: FormSet = new Int32Array(0);
const dash = 0x2d;
const dot = 0x2e;
const colon = 0x3a;
const space = 0x20;
/** Units that the marks of addresses begin with. */
const isMark = createMarks();
const unitsPerTry = 6;
const unitsPerMark = 50;
const unitsPerMatch = 30;
const unitsPerCheck = 40;
const unitsPerContext = 60;
const unitsPerFinding = 60;
const spanMax = 24;
const fewMax = 5;
const joiners = new Set([0x09, 0x0a, 0x0d, 0x20, 0x2d, 0x2e, 0x2f, 0x29]);
const timestamp =
  /\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?(?![\d:])/y;
const date = /(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?![-\d])/y;
const timeOfDay = /(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d)?(?![:\w]|\.\d)/y;
/** A text without any words, such as a field of a form, is no longer than this. */
const aloneMax = 128;
const shortNumber =
  /\d{1,6}(?!\s{1,3}\d)(?=$|[\s,;!?"')\]}<>&|=]+(?:[^\d(jfmasondJFMASOND]|$)|[,;"'\]}])/y;
const glued = /[a-z]{2}\d{3}(?:\d{3}|-\d)/y;
const anyLetter = /\p{L}/u;

/** Finds personal data in one pass: forms are tried only where a token begins that could be one. */
export function createPersonalScanner(
  chosen: ReadonlySet<string>,
): (text: string, from: number, work: SearchWork) => void {
  const prepared = allRecognizers.map(prepare);
  const isActive = allRecognizers.map(
    (recognizer) => chosen.has(recognizer.detector) || chosen.has(singleName(recognizer)),
  );
  const births = prepared.filter(
    ({ detector, start }, form) =>
      isActive[form] === true && detector === 'birth_date' && start === digit,
  );
  let active: readonly FormSet[] | undefined;

  /** For each way in which a form can begin, those that were chosen. */
  function activeFrom(now: number): FormSet {
    active ??= [none, digit, letter, sign].map((start) =>
      shapes().select((form) => isActive[form] === true && prepared[form]?.start === start),
    );
    return active[now] ?? noForms;
  }

  function tryAt(text: string, at: number, now: number, work: SearchWork): void {
    const forms = shapes().at(text, at, activeFrom(now));
    if (forms.length === 0 || !isBeginning(now, text, at)) return;
    for (const form of forms) {
      const recognizer = prepared[form];
      if (recognizer !== undefined) tryForm(recognizer, text, at, work);
    }
  }

  /** How many units behind this one are dealt with as well. */
  function tryNumber(text: string, at: number, work: SearchWork): number {
    const passed = timestampLength(text, at);
    if (passed > 0) return passed - 1;
    const length = dateLength(text, at);
    if (length === 0) tryAt(text, at, digit, work);
    else for (const birth of births) tryForm(birth, text, at, work);
    return Math.max(0, length - 1);
  }

  return function scan(text, from, work) {
    if (work.budget.isExhausted()) return;
    let before = none;
    for (let at = from; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      const now = classes[unit] ?? none;
      if (now === letter && before === letter) continue;
      if (isMark[unit] === 1) findAtMark(text, at, chosen, work);
      if (mayBeginAt(text, at, now, before)) {
        if (now === digit && before === none) at += tryNumber(text, at, work);
        else tryAt(text, at, now, work);
        if (work.budget.isExhausted()) return;
      }
      // Within a token nothing begins; letters with digits are one token.
      before = now === digit ? letter : now;
    }
  };
}

/** A recognizer as it is tried; all have the same parts, which lets the engine find them faster. */
interface Prepared extends Omit<Recognizer, 'start' | 'context' | 'behind' | 'check'> {
  readonly start: number;
  readonly context: RegExp | undefined;
  readonly behind: RegExp | undefined;
  readonly check: ((value: string) => boolean) | undefined;
}

function prepare(recognizer: Recognizer): Prepared {
  const { detector, kind, start, form, certainty, context, behind, check, rank } = recognizer;
  return { detector, kind, start: starts[start], form, certainty, context, behind, check, rank };
}

/** Addresses are read from the mark that they have within them. */
function findAtMark(
  text: string,
  at: number,
  chosen: ReadonlySet<string>,
  { budget, found }: SearchWork,
): void {
  const length = text.charCodeAt(at) === colon ? 0 : lengthOfAt(text, at);
  if (length > 0) {
    if (chosen.has('email') && budget.take(unitsPerMark)) findEmail(text, at, length, found);
  } else if (chosen.has('url_credentials') && text.startsWith('://', at)) {
    if (budget.take(unitsPerMark)) findUrlCredentials(text, at, found);
  }
}

/** How long the time of day, with or without its date, is that begins here; logs are full of them. */
function timestampLength(text: string, at: number): number {
  if (text.charCodeAt(at + 2) === colon) return lengthOf(timeOfDay, text, at);
  return isDateLike(text, at) ? lengthOf(timestamp, text, at) : 0;
}

/** How long the date is that begins here: of a birth, or nobody's. */
function dateLength(text: string, at: number): number {
  return isDateLike(text, at) ? lengthOf(date, text, at) : 0;
}

function isDateLike(text: string, at: number): boolean {
  return text.charCodeAt(at + 4) === dash && text.charCodeAt(at + 7) === dash;
}

function lengthOf(form: RegExp, text: string, at: number): number {
  form.lastIndex = at;
  return form.exec(text)?.[0].length ?? 0;
}

function mayBeginAt(text: string, at: number, now: number, before: number): boolean {
  const unit = text.charCodeAt(at);
  if (now === none || now === joint || unit >= 0x80) return false;
  // The one form that begins with a colon begins with two.
  if (unit === colon && text.charCodeAt(at + 1) !== colon) return false;
  return before === none || before === sign || now === sign || (now === digit && isGlued(text, at));
}

function singleName({ kind }: Recognizer): string {
  return kind.toLowerCase();
}

function isBeginning(start: number, text: string, at: number): boolean {
  if (start === digit) return mayBeValue(text, at) && !isShortNumber(text, at);
  return start === sign || mayBeCode(text, at);
}

/** A word of letters alone is left at once, if no digit or colon stands within or right behind it. */
function mayBeCode(text: string, at: number): boolean {
  // Pairs or fours of hexadecimal letters, as machines have them.
  const third = text.charCodeAt(at + 2);
  if (third === dash || third === colon || text.charCodeAt(at + 4) === dot) {
    return true;
  }
  const last = Math.min(at + 12, text.length);
  for (let ahead = at + 1; ahead < last; ahead += 1) {
    const unit = text.charCodeAt(ahead);
    const kind = unit < 128 ? classes[unit] : none;
    if (kind === digit || unit === colon) return true;
    if (kind !== letter && unit !== space && unit !== dot && unit !== dash) return false;
  }
  return false;
}

/** All forms have five digits, or dots, colons or dashes between few, or are long. */
function mayBeValue(text: string, at: number): boolean {
  if (text.charCodeAt(at + 2) === dash) return true;
  let digits = 0;
  for (let ahead = at; ahead < at + spanMax; ahead += 1) {
    const unit = ahead < text.length ? text.charCodeAt(ahead) : 0;
    if ((unit === dot || unit === colon) && ahead < at + fewMax) return true;
    const kind = unit < 128 ? classes[unit] : none;
    digits += kind === digit ? 1 : 0;
    if (digits >= 5) return true;
    if (kind === none && !joiners.has(unit)) return hasDotWithin(text, ahead, at + fewMax);
  }
  return true;
}

function hasDotWithin(text: string, from: number, to: number): boolean {
  for (let at = from; at < Math.min(to, text.length); at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === dot || unit === colon) return true;
  }
  return false;
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
  recognizer: Prepared,
  text: string,
  at: number,
  { budget, found }: SearchWork,
): void {
  const { form, kind, certainty, check } = recognizer;
  budget.take(unitsPerTry);
  form.lastIndex = at;
  if (!form.test(text)) return;
  const match = text.slice(at, form.lastIndex);
  const value = kind === 'IBAN' ? cutIban(match) : match;
  budget.take(check === undefined ? unitsPerMatch : unitsPerMatch + unitsPerCheck);
  if (value === null || value.length === 0 || check?.(value) === false) return;
  const end = at + value.length;
  // Another form of the kind has said so already, and words are the most work.
  const last = found.at(-1);
  if (last !== undefined && last.kind === kind && last.start <= at && last.end >= end) return;
  if (certainty !== 'certain') budget.take(unitsPerContext);
  if (hasPlace(recognizer, text, at, end)) {
    const { detector, rank } = recognizer;
    budget.take(unitsPerFinding);
    found.push({ detector, kind, start: at, end, rank: rank + 2 });
  }
}

function hasPlace(recognizer: Prepared, text: string, start: number, end: number): boolean {
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

function createMarks(): Uint8Array {
  const table = new Uint8Array(0x1_0000);
  for (const mark of '@:%&') table[mark.charCodeAt(0)] = 1;
  return table;
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
