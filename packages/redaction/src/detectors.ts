import type { Detection } from './finding.ts';
import { resolveOverlaps, type Candidate } from './resolve.ts';
import { createFoldedView } from './text/view.ts';
import { secretRules } from './rules/secret-rules.ts';
import { createSecretSearch } from './rules/secret-search.ts';
import { createWorkBudget, type WorkBudget } from './work-budget.ts';

/** 'secrets', 'email', 'phone', … or the id of a single secret rule. */
export type DetectorName = string;

/** What to look for, as policy or a tenant's dictionary says. */
export interface DetectorOptions {
  readonly detectors: readonly DetectorName[];
  /** Names and terms for the detector 'term'; whole words, without regard to case. */
  readonly terms?: readonly string[];
}

/** A fixed choice of detectors; holds no state between texts. */
export interface Detectors {
  /** Looks through one whole segment; the same text always gives the same answer. */
  find(text: string, budget?: WorkBudget): Detection;
  /**
   * Every literal that can begin the search for a value: what has none of them, no digit, no `@` and no `://` has nothing to
   * find. The segmenter keeps text together while one of them may be followed by its value.
   */
  readonly words?: readonly string[];
}

const unitsBase = 200_000;
const unitsPerCharacter = 60;

/** Makes the chosen detectors ready; an unknown name is refused. */
export function createDetectors(options: DetectorOptions): Detectors {
  const searches: ((text: string, budget: WorkBudget) => readonly Candidate[])[] = [];
  const chosen = new Set(options.detectors);
  const rules = secretRules().filter(({ id }) => chosen.has('secrets') || chosen.has(id));
  if (rules.length > 0) {
    searches.push(createSecretSearch(rules));
  }

  function find(text: string, budget?: WorkBudget): Detection {
    const view = createFoldedView(text);
    const work = budget ?? createWorkBudget(unitsBase + unitsPerCharacter * text.length);
    const candidates = searches.flatMap((search) => search(view.text, work));
    const findings = resolveOverlaps(
      candidates.map((candidate) => ({
        ...candidate,
        start: view.originalStart(candidate.start),
        end: view.originalEnd(candidate.end),
      })),
    );
    return { findings, isExhausted: work.isExhausted() };
  }

  return { find };
}
