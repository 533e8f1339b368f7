import type { SearchWork } from './resolve.ts';
import { createFoldedView } from './text/view.ts';
import { createKeywordAutomaton } from './text/keyword-automaton.ts';

const wordUnit = /[\p{L}\p{N}_]/u;

/** Finds whole words of a dictionary; one pass, whatever its size. Empty terms are passed over. */
export function createTermSearch(
  terms: readonly string[],
): (text: string, from: number, work: SearchWork) => void {
  const folded = [
    ...new Set(terms.map((term) => createFoldedView(term).text.trim().toLowerCase())),
  ];
  const usable = folded.filter((term) => term !== '');
  const automaton = createKeywordAutomaton(usable);

  return function search(text, from, { found }) {
    // A few capitals change the length of a text; there only ASCII is made small, by the automaton.
    const small = text.toLowerCase();
    const searched = small.length === text.length ? small : text;
    automaton.scan(searched, from, searched.length, (keyword, end) => {
      const start = end - (usable[keyword] ?? '').length;
      if (!wordUnit.test(text.charAt(start - 1)) && !wordUnit.test(text.charAt(end))) {
        found.push({ detector: 'term', kind: 'TERM', start, end, rank: 3 });
      }
    });
  };
}
