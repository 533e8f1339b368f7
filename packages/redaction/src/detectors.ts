import { HostError } from '@modelhost/kernel';
import { detectorNames, isDetectorName } from './detector-names.ts';
import type { Detection } from './finding.ts';
import { resolveOverlaps, type Candidate, type SearchWork } from './resolve.ts';
import { hasSequence } from './text/invisible.ts';
import { createFoldedView, createPlainView, type FoldedView } from './text/view.ts';
import { wordsOfRule, type ContextWord } from './segments/context-words.ts';
import { createPersonalScanner, personalDetectors } from './personal/scanner.ts';
import { secretRules, type SecretRule } from './rules/secret-rules.ts';
import { assignmentRule, searchAssignments } from './rules/assignments.ts';
import { createSecretSearch } from './rules/secret-search.ts';
import { createTermSearch, formsOfTerm } from './terms.ts';
import { createWorkBudget, unitsOf, type WorkBudget } from './work-budget.ts';

/** 'secrets', 'email', 'phone', … or the id of a single secret rule. */
export type DetectorName = string;

/** What to look for, as policy or a tenant's dictionary says. */
export interface DetectorOptions {
  readonly detectors: readonly DetectorName[];
  /** Names and terms for the detector 'term'; whole words, without regard to case. */
  readonly terms?: readonly string[];
}

/** How one text is looked through. */
export interface FindOptions {
  /** What stands before this offset only says what a value may be; the search for values begins here. */
  readonly from?: number;
  readonly budget?: WorkBudget;
  /** None of the `words` ends behind `from`, as somebody knows who has looked; secrets are not searched for. */
  readonly isWordless?: boolean;
  /** All of it is ASCII that shows and white space, as somebody knows who has looked. */
  readonly isPlain?: boolean;
}

/** A fixed choice of detectors; holds no state between texts. */
export interface Detectors {
  /** Looks through one whole segment; the same text always gives the same answer. */
  find(text: string, options?: FindOptions): Detection;
  /**
   * Every literal that can begin the search for a value: what has none of them, no digit, no `@` and no `://` has nothing to
   * find. A stream keeps text together while one of them may be followed by its value.
   */
  readonly words: readonly ContextWord[];
}

/** Sets of detectors that are kept ready; one more makes the oldest go. */
const setsMax = 64;
const sets = new Map<string, Detectors>();

/** Makes the chosen detectors ready, once for the same choice; an unknown name is refused. */
export function createDetectors(options: DetectorOptions): Detectors {
  const names = [...new Set(options.detectors)].toSorted();
  const terms = names.includes('term') ? (options.terms ?? []) : [];
  const key = JSON.stringify([names, terms]);
  const known = sets.get(key);
  if (known !== undefined) return known;
  const made = makeDetectors(new Set(names), terms);
  const oldest = sets.size >= setsMax ? sets.keys().next().value : undefined;
  if (oldest !== undefined) sets.delete(oldest);
  sets.set(key, made);
  return made;
}

function makeDetectors(chosen: ReadonlySet<string>, terms: readonly string[]): Detectors {
  const rules = secretRules().filter(({ id }) => chosen.has('secrets') || chosen.has(id));
  const searches = createSearches(chosen, rules, terms);

  function find(
    text: string,
    { from = 0, budget, isWordless = false, isPlain = false }: FindOptions = {},
  ): Detection {
    const work = budget ?? createWorkBudget(unitsOf(text.length));
    const looked = { from, isWordless, work };
    const view = isPlain ? createPlainView(text) : createFoldedView(text);
    let candidates = findIn(view, looked);
    // What only a terminal reads may be left out by a reader, or be a part of the value.
    if (view.text !== text && hasSequence(text)) {
      candidates = [...candidates, ...findIn(createFoldedView(text, true), looked)];
    }
    const isExhausted = work.isExhausted();
    if (candidates.length === 0) return isExhausted ? exhausted : nothing;
    return { findings: resolveOverlaps(candidates), isExhausted };
  }

  function findIn(view: FoldedView, { from, isWordless, work }: Looked): readonly Candidate[] {
    const found: Candidate[] = [];
    const searchWork = { budget: work, found };
    const viewFrom = view.viewStart(from);
    for (const { search, needsWord } of searches) {
      if (!needsWord || !isWordless) search(view.text, viewFrom, searchWork);
    }
    if (found.length === 0) return found;
    return found.map(({ detector, kind, start, end, rank }) => ({
      detector,
      kind,
      start: view.originalStart(start),
      end: view.originalEnd(end),
      rank,
    }));
  }

  const words = [...rules.flatMap(wordsOfRule), ...terms.flatMap(wordsOfTerm)];
  return { find, words };
}

interface Looked {
  readonly from: number;
  readonly isWordless: boolean;
  readonly work: WorkBudget;
}

const nothing: Detection = { findings: [], isExhausted: false };
const exhausted: Detection = { findings: [], isExhausted: true };

interface Search {
  /** Looks for values that end behind `from`. */
  readonly search: (text: string, from: number, work: SearchWork) => void;
  /** Finds nothing without one of the words. */
  readonly needsWord: boolean;
}

function wordsOfTerm(term: string): readonly ContextWord[] {
  return formsOfTerm(term).map((word) => ({ word, holds: 'token' }));
}

function createSearches(
  chosen: ReadonlySet<string>,
  rules: readonly SecretRule[],
  terms: readonly string[],
): readonly Search[] {
  for (const name of chosen) {
    if (!isDetectorName(name)) {
      throw new HostError(
        'config_invalid',
        `detectors: there is no detector "${name}"; use term, ${detectorNames.join(', ')}, a kind of national number or the id of a rule for secrets`,
      );
    }
  }
  const searches: Search[] = [];
  if (rules.length > 0) {
    searches.push({ search: createSecretSearch(rules), needsWord: true });
  }
  if (chosen.has('secrets') || chosen.has(assignmentRule)) {
    searches.push({ search: searchAssignments, needsWord: true });
  }
  if ([...chosen].some((name) => personalDetectors.has(name))) {
    searches.push({ search: createPersonalScanner(chosen), needsWord: false });
  }
  if (chosen.has('term')) {
    searches.push({ search: createTermSearch(terms), needsWord: false });
  }
  return searches;
}
