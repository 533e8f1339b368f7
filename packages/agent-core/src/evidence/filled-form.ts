import type { KnownTexts } from './texts.ts';
import { readWord } from './word.ts';

const gap = /\{[\p{L}_][\p{L}\p{N}_ -]{0,40}\}/gu;
const bounds = { gaps: 4, gapLengthMin: 3, letters: 4 } as const;

/**
 * Where the parts stand of a value that fills a form of the user's: he wrote "Dinner at {restaurant}", and what stands in the
 * gap is in his words or in a trusted text.
 */
export function findFilledForm(value: string, texts: KnownTexts): readonly string[] {
  for (const form of texts.prompt.flatMap((text) => text.forms())) {
    const fillings = fillingsOf(readWord(value).folded, form);
    const sources = fillings?.map((filling) => sourcesOf(filling, texts));
    if (sources?.every((each) => each.length > 0) === true) return ['prompt', ...sources.flat()];
  }
  return [];
}

/** What stands in the gaps of the form; undefined when the value does not fit it. */
function fillingsOf(value: string, form: string): readonly string[] | undefined {
  const literals = form.split(gap);
  const letters = literals.join('').replaceAll(/\P{L}/gu, '').length;
  if (letters < bounds.letters) return undefined;
  if (literals.length < 2 || literals.length > bounds.gaps + 1) return undefined;
  const [first = '', ...others] = literals;
  if (!value.startsWith(first)) return undefined;
  const fillings: string[] = [];
  let at = first.length;
  for (const [index, literal] of others.entries()) {
    const isLast = index === others.length - 1;
    const end = isLast ? value.length - literal.length : value.indexOf(literal, at);
    if (end < at || !value.startsWith(literal, end) || (literal === '' && !isLast))
      return undefined;
    fillings.push(value.slice(at, end));
    at = end + literal.length;
  }
  return fillings.every(({ length }) => length >= bounds.gapLengthMin) ? fillings : undefined;
}

function sourcesOf(filling: string, texts: KnownTexts): readonly string[] {
  const word = readWord(filling);
  const isWritten =
    texts.isWrittenCut || texts.written.some(({ folded }) => folded.includes(word.folded));
  return [
    ...texts.prompt.filter((text) => text.hasWord(word)),
    ...texts.trusted.filter((text) => {
      const { call, echo, isEchoCut } = text;
      const isOwn = isWritten || isEchoCut || echo.folded.includes(word.folded);
      return text.hasWord(word) && (call === undefined || !isOwn);
    }),
  ].map(({ source }) => source);
}
