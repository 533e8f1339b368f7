import type { RecordedDecision } from './recorded-decision.ts';

/** A recorded decision, by what says nothing of its values. */
export interface DecisionExample {
  readonly id: string;
  readonly timeMs: number;
}

/** Decisions that belong together in a report. */
export interface DecisionGroup<Key> {
  readonly key: Key;
  readonly decisions: number;
  /** The first of them. */
  readonly examples: readonly DecisionExample[];
}

/** Collects groups up to a bound. */
export interface GroupCollector<Key> {
  add(key: Key, recorded: RecordedDecision): void;
  /** Largest first, then by key. */
  groups(): readonly DecisionGroup<Key>[];
  /** How often a decision would have begun a group past the bound. */
  omitted(): number;
}

/** Bounds of what is collected. */
export interface GroupBound {
  readonly groupsMax: number;
  readonly examplesMax: number;
}

/** Keys are the same when their texts are: they hold strings only, in one order. */
export function createGroups<Key>({ groupsMax, examplesMax }: GroupBound): GroupCollector<Key> {
  const groups = new Map<string, { key: Key; decisions: number; examples: DecisionExample[] }>();
  let omitted = 0;
  return {
    add: (key, { id, timeMs }) => {
      const text = JSON.stringify(key);
      const group = groups.get(text) ?? { key, decisions: 0, examples: [] };
      if (group.decisions === 0) {
        if (groups.size >= groupsMax) {
          omitted += 1;
          return;
        }
        groups.set(text, group);
      }
      group.decisions += 1;
      if (group.examples.length < examplesMax) group.examples.push({ id, timeMs });
    },
    groups: () =>
      [...groups]
        .sort(([one, { decisions: few }], [other, { decisions: many }]) =>
          few === many ? (one < other ? -1 : 1) : many - few,
        )
        .map(([, group]) => group),
    omitted: () => omitted,
  };
}
