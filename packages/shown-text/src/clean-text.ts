/**
 * What a reader does not see and a model does: controls but tab and line ends, and what Unicode lets be ignored (zero
 * width, bidi, tags, fillers). U+FE0F stays, since it only picks the look of the character before it.
 */
const hidden = /(?!\uFE0F)[[\p{Default_Ignorable_Code_Point}\p{Cc}\p{Cs}\uFFF9-\uFFFB]--[\t\n\r]]/v;
const everyHidden = new RegExp(hidden, 'gv');
const everyHiddenOrLineEnd = new RegExp(`${hidden.source}|[\\r\\u2028\\u2029]`, 'gv');
const escape = '\u001B';

/** Whether there is anything in it that `cleanText` takes away. */
export function hasHidden(text: string): boolean {
  return hidden.test(text);
}

/** The text without terminal sequences and hidden characters. Cleaning twice changes nothing more. */
export function cleanText(text: string): string {
  if (!hasHidden(text)) return text;
  return withoutSequences(text).replace(everyHidden, '');
}

/** The text with each hidden character written out as `\u{…}`, and all that ends a line but LF, for a person who compares. */
export function showHidden(text: string): string {
  return text.replace(
    everyHiddenOrLineEnd,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

/** Each part of the text is looked at once, whatever it holds: no sequence has another escape in it. */
function withoutSequences(text: string): string {
  const kept: string[] = [];
  let from = 0;
  for (let at = text.indexOf(escape); at >= 0; at = text.indexOf(escape, from)) {
    kept.push(text.slice(from, at));
    from = endOfSequence(text, at);
  }
  kept.push(text.slice(from));
  return kept.join('');
}

/** Where the sequence ends that the escape at `at` begins (ECMA-48); right behind the escape when it begins none. */
function endOfSequence(text: string, at: number): number {
  const kind = text.charAt(at + 1);
  if (kind !== '' && ']PX^_'.includes(kind)) return endOfString(text, at);
  const parametersEnd = kind === '[' ? skip(text, at + 2, '0', '?') : at + 1;
  const end = skip(text, parametersEnd, ' ', '/');
  const final = text.charAt(end);
  return final >= (kind === '[' ? '@' : '0') && final <= '~' ? end + 1 : at + 1;
}

/** A title or link of the terminal ends with BEL or escape and backslash. One that does not end is text. */
function endOfString(text: string, at: number): number {
  let end = at + 2;
  while (end < text.length && text[end] !== '\u0007' && text[end] !== escape) end += 1;
  if (text[end] === '\u0007') return end + 1;
  return text[end] === escape && text[end + 1] === '\\' ? end + 2 : at + 2;
}

function skip(text: string, from: number, first: string, last: string): number {
  let at = from;
  while (at < text.length && text.charAt(at) >= first && text.charAt(at) <= last) at += 1;
  return at;
}
