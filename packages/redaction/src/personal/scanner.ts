import type { Candidate } from '../resolve.ts';
import type { WorkBudget } from '../work-budget.ts';
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
const unitsPerTry = 6;
/** A text without any words, such as a field of a form, is no longer than this. */
const aloneMax = 128;
const glued = /[a-z]{2}\d{3}(?:\d{3}|-\d)/y;
const anyLetter = /\p{L}/u;

/** Finds personal data in one pass: forms are tried only where a token begins that could be one. */
export function createPersonalScanner(
  chosen: ReadonlySet<string>,
): (text: string, budget: WorkBudget, from?: number) => readonly Candidate[] {
  const active = recognizers.filter(
    (recognizer) => chosen.has(recognizer.detector) || chosen.has(singleName(recognizer)),
  );
  const byStart = [
    [],
    active.filter(({ start }) => start === 'digit'),
    active.filter(({ start }) => start === 'letter'),
    active.filter(({ start }) => start === 'sign'),
  ];
  const hasEmail = chosen.has('email');
  const hasUrls = chosen.has('url_credentials');

  return function scan(text, budget, from = 0) {
    const found: Candidate[] = [];
    let before = none;
    for (let at = from; at < text.length; at += 1) {
      const unit = text.charCodeAt(at);
      const now = unit < 128 ? (classes[unit] ?? none) : letter;
      if (unit === 0x40 && hasEmail) {
        findEmail(text, at, found);
      } else if (unit === 0x3a && hasUrls && text.startsWith('://', at)) {
        findUrlCredentials(text, at, found);
      }
      if (isBeginning(text, at, now, before)) {
        const forms = byStart[now] ?? [];
        if (!budget.take(unitsPerTry * forms.length)) {
          return found;
        }
        forms.forEach((recognizer) => tryForm(recognizer, text, at, found));
      }
      // Within a token nothing begins; letters with digits are one token.
      before = now === digit ? letter : now;
    }
    return found;
  };
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
    return true;
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
