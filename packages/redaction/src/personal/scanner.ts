import type { SearchWork } from '../resolve.ts';
import { findEmail, findUrlCredentials, lengthOfAt } from './addresses.ts';
import { networkRecognizers } from './network.ts';
import { nationalIds } from './national-ids.ts';
import { europeanIds } from './national-ids-europe.ts';
import { birthRecognizers, cutIban, moneyRecognizers, phoneRecognizers } from './numbers.ts';
import { contextBefore, contextBehind, type Recognizer } from './recognizer.ts';
import { createShapes, type Shapes } from './shapes.ts';
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
const startNames = [undefined, 'digit', 'letter', 'sign'] as const;
const dash = 0x2d;
const colon = 0x3a;
/** Units that the marks of addresses begin with. */
const isMark = Uint8Array.from({ length: 0x1_0000 }, (_, unit) =>
  unit < 0x80 && '@:%&'.includes(String.fromCharCode(unit)) ? 1 : 0,
);
const unitsPerTry = 6;
const unitsPerMark = 50;
const unitsPerMatch = 30;
const unitsPerCheck = 40;
const unitsPerContext = 60;
const unitsPerFinding = 60;
const spanMax = 24;
const betweenFew = /[.:]/;
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
  const active = allRecognizers.filter(
    (recognizer) => chosen.has(recognizer.detector) || chosen.has(singleName(recognizer)),
  );
  const births = active.filter(
    ({ detector, start }) => detector === 'birth_date' && start === 'digit',
  );
  const activeAt = allRecognizers.map((recognizer) =>
    active.includes(recognizer) ? recognizer : undefined,
  );

  function tryAt(text: string, at: number, now: number, work: SearchWork): void {
    const forms = shapes().at(text, at);
    const start = startNames[now];
    if (forms.length === 0 || start === undefined) return;
    let mayBegin: boolean | undefined;
    for (const form of forms) {
      const recognizer = activeAt[form];
      if (recognizer?.start !== start) continue;
      mayBegin ??= isBeginning(start, text, at);
      if (!mayBegin) return;
      tryForm(recognizer, text, at, work);
    }
  }

  /** How many units behind this one are dealt with as well. */
  function tryOrPass(
    text: string,
    at: number,
    now: number,
    { before, work }: { readonly before: number; readonly work: SearchWork },
  ): number {
    if (now !== digit || before !== none) {
      tryAt(text, at, now, work);
      return 0;
    }
    const passed = timestampLength(text, at);
    if (passed > 0) return passed - 1;
    const length = dateLength(text, at);
    if (length === 0) tryAt(text, at, now, work);
    else for (const birth of births) tryForm(birth, text, at, work);
    return Math.max(0, length - 1);
  }

  return function scan(text, from, work) {
    let before = none;
    for (let at = from; at < text.length && !work.budget.isExhausted(); at += 1) {
      const unit = text.charCodeAt(at);
      const now = classes[unit] ?? none;
      if (now === letter && before === letter) continue;
      if (isMark[unit] === 1) findAtMark(text, at, chosen, work);
      if (mayBeginAt(text, at, now, before)) {
        at += tryOrPass(text, at, now, { before, work });
      }
      // Within a token nothing begins; letters with digits are one token.
      before = now === digit ? letter : now;
    }
  };
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
  if (now === none || now === joint || text.charCodeAt(at) >= 0x80) return false;
  return before === none || before === sign || now === sign || (now === digit && isGlued(text, at));
}

function singleName({ kind }: Recognizer): string {
  return kind.toLowerCase();
}

function isBeginning(start: Recognizer['start'], text: string, at: number): boolean {
  switch (start) {
    case 'sign':
      return true;
    case 'digit':
      return !isShortNumber(text, at) && mayBeValue(text, at);
    case 'letter':
      return mayBeCode(text, at);
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
  budget.take(unitsPerTry);
  form.lastIndex = at;
  const match = form.exec(text);
  if (match === null) {
    return;
  }
  const value = recognizer.kind === 'IBAN' ? cutIban(match[0]) : match[0];
  budget.take(recognizer.check === undefined ? unitsPerMatch : unitsPerMatch + unitsPerCheck);
  if (value === null || value.length === 0 || recognizer.check?.(value) === false) return;
  const end = at + value.length;
  // Another form of the kind has said so already, and words are the most work.
  const last = found.at(-1);
  if (last !== undefined && last.kind === kind && last.start <= at && last.end >= end) return;
  if (recognizer.certainty !== 'certain') budget.take(unitsPerContext);
  if (hasPlace(recognizer, text, at, end)) {
    budget.take(unitsPerFinding);
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
