import { digitsOf, isDay, isLuhn, isMod97 } from './checksums.ts';
import type { Recognizer } from './recognizer.ts';

/** Lengths of the IBAN by country, as its registry has them. */
const ibanLengths: Readonly<Record<string, number>> = readLengths(
  'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30',
);

const space = 0x20;
const dash = 0x2d;

function readLengths(list: string): Readonly<Record<string, number>> {
  return Object.fromEntries(
    list.split(' ').map((item) => [item.slice(0, 2), Number(item.slice(2))]),
  );
}

/** Money: cards by Luhn and the ranges of their issuers, IBAN by country and MOD 97. */
export const moneyRecognizers: readonly Recognizer[] = [
  ...[
    /\d{12,19}(?![\d])/y,
    /\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?(?![-\d])/y,
    /\d{4}([ -])\d{6}\1\d{4,5}(?![-\d])/y,
    /\d{4}([ -])\d{5}\1\d{4,6}(?![-\d])/y,
    // In cells or broken over lines; but not four rows of a longer column of numbers.
    /(?<!\d{4}\r?\n)\d{4}\s{1,3}\d{4}\s{1,3}\d{4}\s{1,3}\d{4}(?:\s{1,3}\d{3}(?!\d))?(?![-\d]|\r?\n\d{4}(?!\d))/y,
    /(?<!\d{4}\r?\n)\d{4}\s{1,3}\d{6}\s{1,3}\d{4,5}(?![-\d])/y,
  ].map((form): Recognizer => ({
    detector: 'card',
    kind: 'CARD',
    start: 'digit',
    form,
    certainty: 'certain',
    check: isCard,
    rank: 5,
  })),
  {
    detector: 'iban',
    kind: 'IBAN',
    start: 'letter',
    form: /[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}/y,
    certainty: 'certain',
    check: isIban,
    rank: 6,
  },
];

const wideRange = /^(?:4|5[0-9]|2[2-7]|3[0-9]|6|1|2131|8[136])/;

function isCard(value: string): boolean {
  // Most numbers are left here, for the least work.
  if (!isLuhn(digitsOf(value)) && !isRounded(value)) return false;
  const digits = value.replaceAll(/\D/g, '');
  return wideRange.test(digits) && hasCardLength(digits) && !/^(\d)\1+$/.test(digits);
}

/** Whether so long a number looks as if it was read as a floating-point one: the check digit and one or two before it are lost. */
function isRounded(digits: string): boolean {
  return (
    digits.length >= 18 && /^\d+[1-9]0{2,5}$/.test(digits) && String(Number(digits)) === digits
  );
}

function hasCardLength(digits: string): boolean {
  const { length } = digits;
  if (/^(?:3[47]|1800|2131)/.test(digits)) {
    return length === 15;
  }
  if (/^3[068]/.test(digits)) {
    return length === 14 || length === 16;
  }
  if (digits.startsWith('4')) {
    return length === 13 || length === 16 || length === 19;
  }
  // The old cards of airlines (1) and of JCB (1800, 2131) have 15.
  return digits.startsWith('1') ? length === 15 : length >= 12 && length !== 13 && length !== 14;
}

/** The length is right already: the value was cut to what its country has. */
function isIban(value: string): boolean {
  const isOneCase = !/[a-z]/.test(value) || !/[A-Z]/.test(value);
  return isOneCase && isMod97(value.slice(4) + value.slice(0, 4));
}

/** The IBAN within what may run on into the words behind it: the country says how long it is. */
export function cutIban(value: string): string | null {
  const length = ibanLengths[value.slice(0, 2).toUpperCase()];
  if (length === undefined) {
    return null;
  }
  let count = 0;
  for (let at = 0; at < value.length; at += 1) {
    const unit = value.charCodeAt(at);
    // The form has let nothing else in.
    count += unit === space || unit === dash ? 0 : 1;
    if (count === length) {
      return value.slice(0, at + 1);
    }
  }
  return null;
}

const phoneWords =
  /phone|\btel\b|tel[.:]|mobile|\bcell|\bcall|fax|whats ?app|\bsms\b|messages? to|answering|(?<!licen[cs]e |security |card |account |ssn |id |tax )number is|n[úu]mero|telefon|handy|rufnummer|t[ée]l[ée]phone|portable|cep no|gsm|contact|reach|\bdial|hotline|\bdesk\b/i;
const phoneLabels = /^[ -]{0,2}\(?(?:office|fax|mobile|cell|home|work|desk)\b/i;

/** Telephones: international ones by their sign, national ones by grouping or by a word nearby. */
export const phoneRecognizers: readonly Recognizer[] = [
  {
    detector: 'phone',
    kind: 'PHONE',
    start: 'sign',
    form: /\+\d{1,15}(?:[ .\-/]{1,2}\d{1,12}|[ .\-/]{0,2}\(\d{1,5}\)\d{0,12}){0,7}(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?![\d])/y,
    certainty: 'certain',
    check: (value) => hasDigits(value, 8, 15),
    rank: 4,
  },
  {
    detector: 'phone',
    kind: 'PHONE',
    start: 'sign',
    form: /\(0?\d{2,4}\)[ .-]?\d{3,4}(?:[ .-]?\d{3,4}){1,2}(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?![\d])/y,
    certainty: 'certain',
    check: (value) => hasDigits(value, 9, 17),
    rank: 3,
  },
  {
    detector: 'phone',
    kind: 'PHONE',
    start: 'sign',
    form: /\(\d{1,4}\)[ .-]?\d{2,4}(?:[ .-]?\d{2,4}){1,3}(?!\d)/y,
    certainty: 'by-word',
    context: phoneWords,
    behind: phoneLabels,
    check: (value) => hasDigits(value, 7, 13),
    rank: 2,
  },
  {
    detector: 'phone',
    kind: 'PHONE',
    start: 'digit',
    form: /(?:\+?\d{1,3}[ .-])?(?:\([2-9]\d\d\)|[2-9]\d\d)([-. ])\d{3}\1\d{4}(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?![-\d])/y,
    certainty: 'certain',
    rank: 3,
  },
  {
    detector: 'phone',
    kind: 'PHONE',
    start: 'digit',
    form: /(?<!\d[ .-])(?:00\d{1,3}[ .-]?|0[ ]?\(\d{1,4}\)[ .-]?|0\d{0,4}[ .\-/])\d{2,8}(?:[ .-]?\d{2,4}){0,4}(?![-\d])/y,
    certainty: 'certain',
    check: (value) => hasDigits(value, 9, 15) && !isOtherNumber(value),
    rank: 2,
  },
  {
    detector: 'phone',
    kind: 'PHONE',
    start: 'digit',
    form: /(?:0\d{9,10}|1[3-9]\d{9}|[2-9]\d{6,9}|\d{2,5}(?:[ .-]\d{2,6}){1,4})(?!\d)/y,
    certainty: 'by-word',
    context: phoneWords,
    behind: phoneLabels,
    check: (value) => hasDigits(value, 7, 13) && !isOtherNumber(value),
    rank: 1,
  },
  {
    detector: 'phone',
    kind: 'PHONE',
    start: 'digit',
    form: /09\d{9}(?!\d)/y,
    certainty: 'by-context',
    context: phoneWords,
    rank: 1,
  },
];

/** A date, or the grouping of a number of social security. */
function isOtherNumber(value: string): boolean {
  return /^\d{1,2}[./-]\d\d?[./-]\d{4}$|^\d{3,4}-\d\d-\d{4}$|^(?:19|20)\d\d-\d\d-\d\d/.test(value);
}

function hasDigits(value: string, min: number, max: number): boolean {
  const { length } = digitsOf(value);
  return length >= min && length <= max;
}

const birthWords =
  /birth|born|\bd\.?o\.?b\b|geboren|geb\.|geburts|n[ée]e? le|naissance|nacid[oa]|nacimiento|nat[oa] il|nascita|nascid[oa]|nascimento/i;
const months =
  'jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?';

/** A date is personal where a word of birth stands before it; other dates are left alone. */
export const birthRecognizers: readonly Recognizer[] = [
  birthDate('digit', /(?:19|20)\d\d([-/.])\d{1,2}\1\d{1,2}(?!\d)/y),
  birthDate('digit', /\d{1,2}([-/.])\d{1,2}\1(?:(?:19|20)\d\d|\d\d)(?!\d)/y),
  birthDate(
    'digit',
    new RegExp(
      `\\d{1,2}(?:st|nd|rd|th|\\.)?[ -](?:of )?(?:${months})\\.?,?[ -](?:(?:19|20)\\d\\d|\\d\\d)(?!\\d)`,
      'iy',
    ),
  ),
  birthDate(
    'letter',
    new RegExp(`(?:${months})\\.? \\d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\\d\\d(?!\\d)`, 'iy'),
  ),
];

function birthDate(start: 'digit' | 'letter', form: RegExp): Recognizer {
  return {
    detector: 'birth_date',
    kind: 'BIRTH_DATE',
    start,
    form,
    certainty: 'by-word',
    context: birthWords,
    check: isPossibleDate,
    rank: 3,
  };
}

function isPossibleDate(value: string): boolean {
  const parts = value.match(/\d+/g)?.map(Number) ?? [];
  const [first = 0, second = 0, third = 0] = parts;
  if (parts.length < 3) {
    return true;
  }
  return first > 31
    ? isDay(first, second, third)
    : isDay(2000, second, first) || isDay(2000, first, second);
}
