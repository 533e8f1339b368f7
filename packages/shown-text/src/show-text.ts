import { cleanText } from './clean-text.ts';

const plain = /^[\t\n -~]*$/;

/**
 * A text of a server as a client may get it: without terminal sequences and what nobody sees. A carriage return that ends
 * no line could write over the line before, so it becomes a line end. To do it twice changes nothing more.
 */
export function showText(text: string): string {
  // Nearly every text is plain, and that is soon seen.
  return plain.test(text) ? text : cleanText(text).replace(/\r(?!\n)/g, '\n');
}

/**
 * A text of a server that a person reads, at most `lengthMax` long: shown, with every line end as LF, and cut with an
 * ellipsis. To do it twice changes nothing more.
 */
export function showShortText(text: string, lengthMax: number): string {
  // Bounded before it is searched: a server may send megabytes.
  const start = text.slice(0, lengthMax * 4);
  const shown = showText(start).replace(/\r\n|[\u2028\u2029]/g, '\n');
  if (shown.length <= lengthMax && start.length === text.length) return shown;
  // Half a surrogate pair would show as a replacement mark.
  return `${shown.slice(0, lengthMax - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
