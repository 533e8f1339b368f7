import type { SearchWork } from './resolve.ts';
import { foldUnit } from './segments/unit-classes.ts';
import { createFoldedView } from './text/view.ts';
import { createKeywordAutomaton } from './text/keyword-automaton.ts';

const wordUnit = /[\p{L}\p{N}\p{M}_]/u;
const space = 0x20;

/**
 * The forms in which a term is looked for: in small letters, with one space wherever white space is, and with its accents both as
 * parts of letters and as characters of their own. None for an empty term.
 */
export function formsOfTerm(term: string): readonly string[] {
  const { text } = createFoldedView(term);
  const forms = ['NFC', 'NFD'].map((form) =>
    smallOf(text.normalize(form)).trim().replaceAll(/\s+/g, ' '),
  );
  return [...new Set(forms)].filter((form) => form !== '');
}

/** Finds whole words of a dictionary, with any white space between them; one pass, whatever its size. */
export function createTermSearch(
  terms: readonly string[],
): (text: string, from: number, work: SearchWork) => void {
  const usable = [...new Set(terms.flatMap(formsOfTerm))];
  const automaton = createKeywordAutomaton(usable);

  return function search(text, from, { found }) {
    let state = 0;
    let isGap = false;
    for (let at = from; at < text.length; at += 1) {
      const isSpace = isWhite(text, at);
      if (!isSpace || !isGap) {
        const unit = isSpace ? space : foldUnit(text.charCodeAt(at));
        state = automaton.next(state, unit);
        if (state >= automaton.endingFrom) {
          for (const index of automaton.endingIn(state)) {
            const start = startOf(usable[index] ?? '', text, at);
            if (isWholeWord(text, start, at + 1)) {
              found.push({ detector: 'term', kind: 'TERM', start, end: at + 1, rank: 3 });
            }
          }
        }
      }
      isGap = isSpace;
    }
  };
}

/** Unit by unit, as the text is read: a few capitals would change the length. */
function smallOf(text: string): string {
  return Array.from({ length: text.length }, (_, at) =>
    String.fromCharCode(foldUnit(text.charCodeAt(at))),
  )
    .join('')
    .replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function isWhite(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit === space || (unit >= 0x09 && unit <= 0x0d);
}

/** Where the term begins that ends with the unit at this place. */
function startOf(term: string, text: string, last: number): number {
  let at = last;
  for (let left = term.length - 1; left > 0; left -= 1) {
    // All of a gap is one space of the term.
    if (isWhite(text, at)) while (isWhite(text, at - 1)) at -= 1;
    at -= 1;
  }
  return at;
}

function isWholeWord(text: string, start: number, end: number): boolean {
  return !wordUnit.test(text.charAt(start - 1)) && !wordUnit.test(text.charAt(end));
}
