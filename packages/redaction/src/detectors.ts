import { HostError } from '@modelhost/kernel';
import { detectorNames, isDetectorName } from './detector-names.ts';
import type { Detection } from './finding.ts';
import { resolveOverlaps, type Candidate } from './resolve.ts';
import { createFoldedView } from './text/view.ts';
import { wordsOfRule, type ContextWord } from './segments/context-words.ts';
import { createPersonalScanner, personalDetectors } from './personal/scanner.ts';
import { secretRules, type SecretRule } from './rules/secret-rules.ts';
import { createSecretSearch } from './rules/secret-search.ts';
import { createTermSearch } from './terms.ts';
import { createWorkBudget, type WorkBudget } from './work-budget.ts';

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

const unitsBase = 200_000;
const unitsPerCharacter = 30;

/** Makes the chosen detectors ready; an unknown name is refused. */
export function createDetectors(options: DetectorOptions): Detectors {
  const chosen = new Set(options.detectors);
  const rules = secretRules().filter(({ id }) => chosen.has('secrets') || chosen.has(id));
  const searches = createSearches(options, chosen, rules);

  function find(text: string, { from = 0, budget }: FindOptions = {}): Detection {
    const view = createFoldedView(text);
    const work = budget ?? createWorkBudget(unitsBase + unitsPerCharacter * text.length);
    const viewFrom = view.viewStart(from);
    const candidates = searches.flatMap((search) => search(view.text, work, viewFrom));
    const findings = resolveOverlaps(
      candidates.map((candidate) => ({
        ...candidate,
        start: view.originalStart(candidate.start),
        end: view.originalEnd(candidate.end),
      })),
    );
    return { findings, isExhausted: work.isExhausted() };
  }

  const terms = chosen.has('term') ? (options.terms ?? []) : [];
  const words = [...rules.flatMap(wordsOfRule), ...terms.map(wordOfTerm)];
  return { find, words };
}

type Search = (text: string, budget: WorkBudget, from: number) => readonly Candidate[];

function wordOfTerm(term: string): ContextWord {
  return { word: createFoldedView(term).text.toLowerCase(), holds: 'token' };
}

function createSearches(
  options: DetectorOptions,
  chosen: ReadonlySet<string>,
  rules: readonly SecretRule[],
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
    searches.push(createSecretSearch(rules));
  }
  if ([...chosen].some((name) => personalDetectors.has(name))) {
    searches.push(createPersonalScanner(chosen));
  }
  if (chosen.has('term')) {
    searches.push(createTermSearch(options.terms ?? []));
  }
  return searches;
}
