import { digitsOf, isDay, isLuhn, isMod11And10, isVerhoeff, weightedSum } from './checksums.ts';
import type { Certainty, Recognizer } from './recognizer.ts';

interface NationalId {
  readonly kind: string;
  readonly start: 'digit' | 'letter';
  readonly form: RegExp;
  readonly certainty: Certainty;
  readonly context: RegExp;
  readonly check?: (value: string) => boolean;
}

/** Numbers of persons in America, Asia and elsewhere; one form each, with its checks. */
const zero = 0x30;

const forms: readonly NationalId[] = [
  {
    kind: 'US_SSN',
    start: 'digit',
    form: /(?!000|666|9)\d{3}([- .])(?!00)\d\d\1(?!0000)\d{4}(?![-\d])/y,
    certainty: 'certain',
    context: /ssn|social security/i,
    check: isPlausibleSsn,
  },
  {
    kind: 'US_SSN',
    start: 'digit',
    form: /(?!000|666|9)\d{3}[- ]?(?!00)\d\d[- ]?(?!0000)\d{4}(?![-\d])/y,
    certainty: 'by-context',
    context: /ssn|social security/i,
    check: isPlausibleSsn,
  },
  {
    kind: 'US_ITIN',
    start: 'digit',
    form: /9\d\d([- ]?)(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])[- ]?\d{4}(?![-\d])/y,
    certainty: 'by-context',
    context: /itin|tax(?:payer)? id|individual taxpayer/i,
  },
  {
    kind: 'US_ITIN',
    start: 'digit',
    form: /9\d\d(?:-(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])-?|(?:5\d|6[0-5]|7\d|8[0-8]|9[0-24-9])-)\d{4}(?![-\d])/y,
    certainty: 'certain',
    context: /itin/i,
  },
  {
    kind: 'US_MBI',
    start: 'digit',
    form: /[1-9][AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d(-?)[AC-HJKMNP-RT-Y][AC-HJKMNP-RT-Y0-9]\d\1[AC-HJKMNP-RT-Y]{2}\d\d(?![-\w])/iy,
    certainty: 'certain',
    context: /mbi|medicare/i,
  },
  {
    kind: 'CA_SIN',
    start: 'digit',
    form: /[1-79]\d\d([ -])\d{3}\1\d{3}(?![-\d])/y,
    certainty: 'certain',
    context: /\bsin\b|\bnas\b|social insurance/i,
    check: (value) => isNotUniform(value) && isLuhn(digitsOf(value)),
  },
  {
    kind: 'CA_SIN',
    start: 'digit',
    form: /[1-79]\d{8}(?![-\d])/y,
    certainty: 'by-context',
    context: /\bsin\b|\bnas\b|social insurance/i,
    check: (value) => isNotUniform(value) && isLuhn(digitsOf(value)),
  },
  {
    kind: 'BR_CPF',
    start: 'digit',
    form: /\d{3}\.\d{3}\.\d{3}-\d\d(?!\d)/y,
    certainty: 'certain',
    context: /cpf/i,
    check: isCpf,
  },
  {
    kind: 'BR_CPF',
    start: 'digit',
    form: /\d{11}(?!\d)/y,
    certainty: 'by-context',
    context: /cpf|cadastro de pessoas/i,
    check: isCpf,
  },
  {
    kind: 'BR_CNPJ',
    start: 'digit',
    form: /\d\d\.?\d{3}\.?\d{3}\/?\d{4}-?\d\d(?!\d)/y,
    certainty: 'certain',
    context: /cnpj/i,
    check: isCnpj,
  },
  {
    kind: 'AU_TFN',
    start: 'digit',
    form: /\d{3}([ -]?)\d{3}\1\d{3}(?! ?\d)/y,
    certainty: 'by-context',
    context: /tfn|tax file/i,
    check: (value) =>
      isNotUniform(value) && weightedSum(digitsOf(value), [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0,
  },
  {
    kind: 'AU_ABN',
    start: 'digit',
    form: /\d\d( ?)\d{3}\1\d{3}\1\d{3}(?! ?\d|[A-Za-z])/y,
    certainty: 'by-context',
    context: /abn|business number/i,
    check: isAbn,
  },
  {
    kind: 'AU_MEDICARE',
    start: 'digit',
    form: /[2-6]\d{3}( ?)\d{5}\1\d(?! ?\d|[A-Za-z])/y,
    certainty: 'by-context',
    context: /medicare/i,
    check: (value) =>
      weightedSum(digitsOf(value), [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === digitsOf(value)[8],
  },
  {
    kind: 'IN_AADHAAR',
    start: 'digit',
    form: /[2-9]\d{3}([ :-]?)\d{4}\1\d{4}(?![-\d])/y,
    certainty: 'by-context',
    context: /aadhaar|aadhar|uidai/i,
    check: (value) => isNotUniform(value) && isVerhoeff(digitsOf(value)),
  },
  {
    kind: 'IN_PAN',
    start: 'letter',
    form: /[A-Z]{3}[ABCFGHLJPTN][A-Z]\d{4}[A-Z](?!\w)/y,
    certainty: 'certain',
    context: /\bpan\b/i,
  },
  {
    kind: 'IN_GSTIN',
    start: 'digit',
    form: /(?:0[1-9]|[12]\d|3[0-7])[A-Z]{5}\d{4}[A-Z][1-9A-Z]Z[0-9A-Z](?!\w)/y,
    certainty: 'certain',
    context: /gst/i,
  },
  {
    kind: 'SG_NRIC',
    start: 'letter',
    form: /[STFGM]\d{7}[A-Z](?!\w)/y,
    certainty: 'certain',
    context: /nric|fin\b/i,
  },
  {
    kind: 'SG_NRIC',
    start: 'letter',
    form: /[A-Z]\d{7}[A-Z](?!\w)/y,
    certainty: 'by-context',
    context: /nric|fin\b/i,
  },
  {
    kind: 'KR_RRN',
    start: 'digit',
    form: /\d{6}-?[1-4]\d{6}(?![-\d])/y,
    certainty: 'by-context',
    context: /rrn|주민/i,
    check: isKoreanNumber,
  },
  {
    kind: 'KR_RRN',
    start: 'digit',
    form: /\d{6}-[1-4]\d{6}(?![-\d])/y,
    certainty: 'certain',
    context: /rrn/i,
    check: isKoreanNumber,
  },
  {
    kind: 'KR_FRN',
    start: 'digit',
    form: /\d{6}-?[5-8]\d{6}(?![-\d])/y,
    certainty: 'by-context',
    context: /frn|외국인/i,
    check: isKoreanNumber,
  },
  {
    kind: 'KR_FRN',
    start: 'digit',
    form: /\d{6}-[5-8]\d{6}(?![-\d])/y,
    certainty: 'certain',
    context: /frn/i,
    check: isKoreanNumber,
  },
  {
    kind: 'TH_TNIN',
    start: 'digit',
    form: /[1-9](?:[134]\d|2[0-7]|5[0-8]|[67][0-7]|[89][0-6])\d{10}(?!\w)/y,
    certainty: 'by-context',
    context: /thai|tnin|ประชาชน|national id/i,
    check: isThai,
  },
  {
    kind: 'ZA_ID',
    start: 'digit',
    form: /\d{10}[0-2]\d{2}(?!\w)/y,
    certainty: 'by-context',
    context: /south africa|\bid\b|identity|resident|refugee/i,
    check: (value) => isShortDay(value) && isLuhn(digitsOf(value)),
  },
  {
    kind: 'TR_NATIONAL_ID',
    start: 'digit',
    form: /[1-9]\d{10}(?!\w)/y,
    certainty: 'certain',
    context: /kimlik|tckn/i,
    check: isTurkish,
  },
];

/** Every form of America and Asia as the scanner takes it. */
export const nationalIds: readonly Recognizer[] = forms.map(createNationalId);

/** Gives a national form the detector's name and its rank: what is certain goes before what needs a word. */
export function createNationalId(id: NationalId): Recognizer {
  return { ...id, detector: 'national_id', rank: id.certainty === 'certain' ? 5 : 4 };
}

/** No number of a person is one digit throughout. */
export function isNotUniform(value: string): boolean {
  let first = -1;
  for (let at = 0; at < value.length; at += 1) {
    const digit = value.charCodeAt(at) - zero;
    if (digit < 0 || digit > 9) continue;
    if (first >= 0 && digit !== first) return true;
    first = digit;
  }
  return false;
}

/** Two digits each of year, month and day, of either century. */
export function isShortDay(value: string): boolean {
  const [year, month, day] = [value.slice(0, 2), value.slice(2, 4), value.slice(4, 6)].map(Number);
  return isDay(2000 + (year ?? 0), month ?? 0, day ?? 0);
}

/** Numbers that were printed in advertisements and never belonged to anyone. */
const printed: ReadonlySet<number> = new Set([78_051_120, 123_456_789, 219_099_999, 987_654_320]);

/** One kind of separator at most. */
function isPlausibleSsn(value: string): boolean {
  let number = 0;
  let separator = -1;
  for (let at = 0; at < value.length; at += 1) {
    const unit = value.charCodeAt(at);
    if (unit >= zero && unit < zero + 10) number = number * 10 + unit - zero;
    else if (separator >= 0 && unit !== separator) return false;
    else separator = unit;
  }
  return isNotUniform(value) && !printed.has(number);
}

function isCpf(value: string): boolean {
  const digits = digitsOf(value);
  return (
    isNotUniform(value) &&
    [9, 10].every((length) => {
      const sum = weightedSum(
        digits,
        Array.from({ length }, (_, at) => length + 1 - at),
      );
      return ((sum * 10) % 11) % 10 === digits[length];
    })
  );
}

function isCnpj(value: string): boolean {
  const digits = digitsOf(value);
  const weights = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
  return (
    isNotUniform(value) &&
    [12, 13].every((length) => {
      const rest = weightedSum(digits, weights.slice(13 - length)) % 11;
      return (rest < 2 ? 0 : 11 - rest) === digits[length];
    })
  );
}

function isAbn(value: string): boolean {
  const digits = digitsOf(value);
  const [first = 0, ...rest] = digits;
  return (
    first > 0 &&
    weightedSum([first - 1, ...rest], [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) % 89 === 0
  );
}

/** The birthday is one; a check digit binds only those born before October 2020, so it is not asked. */
function isKoreanNumber(value: string): boolean {
  const region = Number(value.replace('-', '').slice(7, 9));
  return isShortDay(value) && region <= 96;
}

function isThai(value: string): boolean {
  const digits = digitsOf(value);
  const sum = weightedSum(digits, [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
  return isNotUniform(value) && (11 - (sum % 11)) % 10 === digits[12];
}

function isTurkish(value: string): boolean {
  const digits = digitsOf(value);
  const odd = weightedSum(digits, [1, 0, 1, 0, 1, 0, 1, 0, 1]);
  const even = weightedSum(digits, [0, 1, 0, 1, 0, 1, 0, 1]);
  const tenth = (((odd * 7 - even) % 10) + 10) % 10;
  return (
    digits[9] === tenth &&
    digits[10] === digits.slice(0, 10).reduce((sum, digit) => sum + digit, 0) % 10
  );
}

/** Used by Germany's tax numbers as well. */
export function isMod11And10Text(value: string): boolean {
  return isMod11And10(digitsOf(value));
}
