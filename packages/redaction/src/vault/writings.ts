// What nobody sees, and a reader of the value leaves out. Bounded between two characters, so that a match is.
const unseen =
  '[\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufe00-\\ufe0f\\ufeff]{0,8}';
// JSON in JSON, and so on, escapes what escapes.
const backslashes = '\\\\{1,8}';
const percent = '%(?:25){0,3}';
const codes = /\\+u([\da-f]{4})|%(?:25)*([\da-f]{2})/gi;
// What is escaped in more than one way, or is nothing of ASCII.
const unlike = /\\+[bfnrt]?|[^ -~]/g;
const halfEscape = /(?:\\+(?:u[\da-f]{0,4})?|%(?:25)*[\da-f]{0,2})+$/i;
const roundsMax = 8;
const otherwise = new RegExp(`[\\\\%+]|${unseen.replace('{0,8}', '')}`);
// Four bytes, each with a percent sign that was encoded three times; and what nobody sees.
const charactersMax = 4 * 9 + 8;
const shortEscapes: Readonly<Record<string, string>> = {
  '\n': 'n',
  '\r': 'r',
  '\t': 't',
  '\b': 'b',
  '\f': 'f',
};

/**
 * The source of a pattern for a value in any of the ways in which it may be written: as it is, escaped as in JSON, encoded as in a
 * URL, and with invisible characters in it.
 */
export function writingsOf(value: string): string {
  return Array.from(value, writingsOfOne).join(unseen);
}

/**
 * What all writings of a value have in common, to be compared with the same of another text: the beginning of a writing has the
 * beginning of it, once half an escape at its end is left out.
 */
export function skeletonOf(text: string): string {
  let plain = text;
  for (let round = 0; round < roundsMax; round += 1) {
    const decoded = plain.replaceAll(codes, (_found, unit?: string, byte?: string) =>
      String.fromCharCode(Number.parseInt(unit ?? byte ?? '', 16)),
    );
    if (decoded === plain) break;
    plain = decoded;
  }
  return plain.replaceAll(unlike, '').replaceAll('+', ' ');
}

/** A text without what may be half an escape at its end. */
export function withoutHalfEscape(text: string): string {
  return text.replace(halfEscape, '');
}

/** The most that a value of so many characters may be written as, in UTF-16 code units. */
export function writtenLengthMax(length: number): number {
  return (length + 1) * charactersMax;
}

/** Whether a text may have a value in it in another way than as it is. */
export function mayBeWritten(text: string): boolean {
  return otherwise.test(text);
}

function writingsOfOne(character: string): string {
  const ways = [
    // A quote, and whatever else stands for itself, may have a backslash before it.
    /[a-z\d]/i.test(character) ? character : `\\\\{0,8}${RegExp.escape(character)}`,
    character
      .split('')
      .map((unit) => `${backslashes}u${hex(unit.charCodeAt(0), 4)}`)
      .join(''),
    [...Buffer.from(character)].map((byte) => `${percent}${hex(byte, 2)}`).join(''),
  ];
  const short = shortEscapes[character];
  if (short !== undefined) ways.push(`${backslashes}${short}`);
  if (character === ' ') ways.push('\\+');
  return `(?:${ways.join('|')})`;
}

function hex(code: number, digits: number): string {
  const text = code.toString(16).padStart(digits, '0');
  return text.replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}
