/** Whether data may be believed: `untrusted` as soon as a third party could have written a part of it. */
export type Integrity = 'trusted' | 'untrusted';

/** The levels of confidentiality, from the lowest; the place in the list is the number that policy sees. */
export const confidentialityLevels = ['public', 'internal', 'confidential', 'secret'] as const;

/** How far data may travel, from anybody to almost nobody. */
export type Confidentiality = (typeof confidentialityLevels)[number];

/** What is known of a piece of data: where it may come from and where it may go. */
export interface DataLabels {
  readonly integrity: Integrity;
  /** Whoever brought in what is untrusted, such as the alias of a tool server; sorted. */
  readonly sources: readonly string[];
  readonly confidentiality: Confidentiality;
  /** Kinds of content that need care of their own, such as `pii`; sorted. */
  readonly compartments: readonly string[];
}

/** Labels of what says nothing of anybody: the neutral element of {@link joinLabels}. */
export const plainLabels: DataLabels = {
  integrity: 'trusted',
  sources: [],
  confidentiality: 'public',
  compartments: [],
};

/**
 * Labels of data that holds both: never more trusted nor less confidential than either. Associative, commutative, idempotent.
 * No name is left out, as a rule that asks for it would be passed by: servers and rules bound how many there are, and past its
 * own bound policy denies.
 */
export function joinLabels(one: DataLabels, other: DataLabels): DataLabels {
  if (one === other || other === plainLabels) return one;
  const levels = [one.confidentiality, other.confidentiality];
  return {
    integrity: one.integrity === 'trusted' ? other.integrity : 'untrusted',
    sources: joinNames(one.sources, other.sources),
    confidentiality: confidentialityLevels.findLast((level) => levels.includes(level)) ?? 'secret',
    compartments: joinNames(one.compartments, other.compartments),
  };
}

function joinNames(one: readonly string[], other: readonly string[]): readonly string[] {
  return [...new Set([...one, ...other])].sort();
}
