import { digitsOf, isDay, isLuhn, weightedSum } from './checksums.ts';
import { createNationalId, isMod11And10Text, isNotUniform, isShortDay } from './national-ids.ts';
import type { Recognizer } from './recognizer.ts';

const dniLetters = 'TRWAGMYFPDXBNJZSQVHLCKE';
const finnishLetters = '0123456789ABCDEFHJKLMNPRSTUVWXY';

/** Numbers of persons in Europe; one form each, with its checks. */
export const europeanIds: readonly Recognizer[] = [
  createNationalId({
    kind: 'UK_NINO',
    start: 'letter',
    form: /(?!BG|GB|NK|KN|NT|TN|ZZ)[ABCEGHJ-PRSTW-Z][ABCEGHJ-NPRSTW-Z] ?\d\d ?\d\d ?\d\d ?[ABCD](?!\w)/iy,
    certainty: 'certain',
    context: /nino|national insurance/i,
  }),
  createNationalId({
    kind: 'UK_NHS',
    start: 'digit',
    form: /\d{3}([- ])\d{3}\1\d{4}(?![-\d])/y,
    certainty: 'certain',
    context: /nhs/i,
    check: isNhs,
  }),
  createNationalId({
    kind: 'UK_NHS',
    start: 'digit',
    form: /\d{10}(?!\w)/y,
    certainty: 'by-context',
    context: /nhs|national health/i,
    check: isNhs,
  }),
  createNationalId({
    kind: 'DE_TAX_ID',
    start: 'digit',
    form: /[1-9]\d(?: ?\d{3}){3}(?! ?\d|\w)/y,
    certainty: 'by-context',
    context: /steuer|idnr|tin\b|tax id/i,
    check: isGermanTaxId,
  }),
  createNationalId({
    kind: 'DE_SOCIAL_SECURITY',
    start: 'digit',
    form: /\d{2} ?\d{6} ?[A-Z] ?\d{3}(?!\w)/iy,
    certainty: 'certain',
    context: /rvnr|sozialversicherung|rentenversicherung/i,
    check: isGermanPension,
  }),
  createNationalId({
    kind: 'DE_HEALTH_INSURANCE',
    start: 'letter',
    form: /[A-Z]\d{9}(?!\w)/iy,
    certainty: 'by-context',
    context: /kvnr|krankenkasse|krankenversicher|egk|versichertennummer/i,
    check: isGermanHealth,
  }),
  createNationalId({
    kind: 'FR_NIR',
    start: 'digit',
    form: /[12] ?\d\d ?(?:0[1-9]|1[0-2]|[2-9]\d) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d(?!\w)/iy,
    certainty: 'certain',
    context: /nir\b|s[ée]curit[ée] sociale|insee/i,
    check: isFrench,
  }),
  createNationalId({
    kind: 'ES_NIF',
    start: 'digit',
    form: /\d{7,8}-?[A-Z](?!\w)/iy,
    certainty: 'certain',
    context: /dni|nif/i,
    check: (value) => hasDniLetter(value.replaceAll(/\D/g, ''), value),
  }),
  createNationalId({
    kind: 'ES_NIE',
    start: 'letter',
    form: /[XYZ]\d{7}-?[A-Z](?!\w)/iy,
    certainty: 'certain',
    context: /nie\b|extranjero/i,
    check: (value) =>
      hasDniLetter(
        'XYZ'.indexOf(value.charAt(0).toUpperCase()) + value.replaceAll(/\D/g, ''),
        value,
      ),
  }),
  createNationalId({
    kind: 'IT_FISCAL_CODE',
    start: 'letter',
    form: /[A-Z]{6}[\dLMNP-V]{2}[A-EHLMPRST][\dLMNP-V]{2}[A-Z][\dLMNP-V]{3}[A-Z](?!\w)/iy,
    certainty: 'certain',
    context: /codice fiscale/i,
    check: isItalian,
  }),
  createNationalId({
    kind: 'PL_PESEL',
    start: 'digit',
    form: /\d{11}(?!\w)/y,
    certainty: 'by-context',
    context: /pesel/i,
    check: isPolish,
  }),
  createNationalId({
    kind: 'FI_ID',
    start: 'digit',
    form: /\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y](?!\w)/y,
    certainty: 'certain',
    context: /hetu|henkil/i,
    check: isFinnish,
  }),
  createNationalId({
    kind: 'SE_PERSONNUMMER',
    start: 'digit',
    form: /(?:18|19|20)?\d{6}[-+]\d{4}(?!\w)/y,
    certainty: 'certain',
    context: /personnummer|pnr/i,
    check: isSwedish,
  }),
  createNationalId({
    kind: 'SE_PERSONNUMMER',
    start: 'digit',
    form: /(?:18|19|20)?\d{10}(?!\w)/y,
    certainty: 'by-context',
    context: /personnummer|pnr|personal identity|swedish id/i,
    check: isSwedish,
  }),
];

function isNhs(value: string): boolean {
  const digits = digitsOf(value);
  const check = (11 - (weightedSum(digits, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11)) % 11;
  return isNotUniform(value) && check === digits[9];
}

/** Of the ten digits before the check, one comes two or three times. */
function isGermanTaxId(value: string): boolean {
  const digits = digitsOf(value).slice(0, 10);
  const most = Math.max(...digits.map((digit) => digits.filter((other) => other === digit).length));
  return most <= 3 && isMod11And10Text(value);
}

function isGermanPension(value: string): boolean {
  const plain = value.replaceAll(' ', '').toUpperCase();
  const letter = String(plain.charCodeAt(8) - 64).padStart(2, '0');
  const digits = digitsOf(plain.slice(0, 8) + letter + plain.slice(9, 11));
  const weights = [2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1];
  const sum = weights.reduce(
    (total, weight, at) => total + crossSum(weight * (digits[at] ?? 0)),
    0,
  );
  const day = Number(plain.slice(2, 4));
  const month = Number(plain.slice(4, 6));
  return sum % 10 === Number(plain.at(-1)) && isDay(2000, month, day > 50 ? day - 50 : day);
}

function crossSum(value: number): number {
  return Math.floor(value / 10) + (value % 10);
}

function isGermanHealth(value: string): boolean {
  const letter = String(value.toUpperCase().charCodeAt(0) - 64).padStart(2, '0');
  const digits = digitsOf(letter + value.slice(1));
  const sum = digits
    .slice(0, 10)
    .reduce((total, digit, at) => total + crossSum(digit * (at % 2 === 0 ? 1 : 2)), 0);
  return sum % 10 === digits[10];
}

function isFrench(value: string): boolean {
  const plain = value.replaceAll(' ', '').toUpperCase().replace('2A', '19').replace('2B', '18');
  return 97 - (Number(plain.slice(0, 13)) % 97) === Number(plain.slice(13));
}

function hasDniLetter(digits: string, value: string): boolean {
  return dniLetters.charAt(Number(digits) % 23) === value.at(-1)?.toUpperCase();
}

function isItalian(value: string): boolean {
  const odd = [
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
  ];
  let sum = 0;
  for (let at = 0; at < 15; at += 1) {
    const code = Number.parseInt(value.charAt(at), 36);
    const order = code > 9 ? code - 10 : code;
    sum += at % 2 === 0 ? (odd[order] ?? 0) : order;
  }
  return String.fromCharCode(65 + (sum % 26)) === value.at(-1)?.toUpperCase();
}

/** The month tells the century by what is added to it. */
function isPolish(value: string): boolean {
  const digits = digitsOf(value);
  const month = Number(value.slice(2, 4)) % 20;
  const sum = weightedSum(digits, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
  return (
    (10 - (sum % 10)) % 10 === digits[10] &&
    isDay(2000 + Number(value.slice(0, 2)), month, Number(value.slice(4, 6)))
  );
}

function isFinnish(value: string): boolean {
  const day = Number(value.slice(0, 2));
  const month = Number(value.slice(2, 4));
  const rest = Number(value.slice(0, 6) + value.slice(7, 10)) % 31;
  return isDay(2000, month, day) && finnishLetters.charAt(rest) === value.at(-1);
}

function isSwedish(value: string): boolean {
  const digits = value.replaceAll(/\D/g, '').slice(-10);
  return isShortDay(digits) && isLuhn(digitsOf(digits));
}
