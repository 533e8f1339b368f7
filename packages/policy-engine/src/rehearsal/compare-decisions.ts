import type { Decision, Obligations } from '@modelhost/kernel';

/** How one decision differs from another. */
export type ChangeKind =
  | `${Decision['effect']}-to-${Decision['effect']}`
  | 'hold-changed'
  | 'obligation-added'
  | 'obligation-removed';

/** One difference between two decisions about the same request. */
export interface DecisionChange {
  readonly kind: ChangeKind;
  /**
   * Id of a rule that makes it: of those that decide now, when it became stricter, of those that decided before, when it became
   * less strict. For obligations what is demanded, such as `redact email as mask`. Never a value of the request.
   */
  readonly cause: string;
}

/**
 * What changes when `after` takes the place of `before`; none when both do the same. Other reasons for the same outcome are no
 * change, nor are other names of the policies.
 */
export function compareDecisions(before: Decision, after: Decision): readonly DecisionChange[] {
  return [...effectChanges(before, after), ...obligationChanges(before, after)];
}

const strictness = { allow: 0, hold: 1, deny: 2 } as const;

function effectChanges(before: Decision, after: Decision): readonly DecisionChange[] {
  if (before.effect === after.effect) return holdChanges(before, after);
  const isStricter = strictness[after.effect] > strictness[before.effect];
  const kind = `${before.effect}-to-${after.effect}` as const;
  return (isStricter ? causesOf(after, before) : causesOf(before, after)).map((cause) => ({
    kind,
    cause,
  }));
}

function holdChanges(before: Decision, after: Decision): readonly DecisionChange[] {
  if (before.effect !== 'hold' || after.effect !== 'hold') return [];
  const wayOut = ({ remedies, gates, ttlMs }: typeof before): string =>
    JSON.stringify([
      remedies.toSorted(),
      gates
        .map(({ approvers, quorum, isSelfApprovalAllowed }) =>
          JSON.stringify([approvers.toSorted(), quorum, isSelfApprovalAllowed]),
        )
        .sort(),
      ttlMs,
    ]);
  if (wayOut(before) === wayOut(after)) return [];
  return causesOf(after, before).map((cause) => ({ kind: 'hold-changed', cause }));
}

/** Rules that decide in the one and not in the other; if there are none, all that decide in the one. */
function causesOf(one: Decision, other: Decision): readonly string[] {
  const others = new Set(other.reasons.map(({ rule }) => rule));
  const rules = [...new Set(one.reasons.map(({ rule }) => rule))].sort();
  const own = rules.filter((rule) => !others.has(rule));
  if (own.length > 0) return own;
  return rules.length > 0 ? rules : [unnamed];
}

/** A decision that gives no reason. */
const unnamed = 'no-reason';

function obligationChanges(before: Decision, after: Decision): readonly DecisionChange[] {
  const old = new Set(describeObligations(before.obligations));
  const now = new Set(describeObligations(after.obligations));
  const added = [...now.difference(old)].sort();
  const removed = [...old.difference(now)].sort();
  return [
    ...added.map((cause) => ({ kind: 'obligation-added', cause }) as const),
    ...removed.map((cause) => ({ kind: 'obligation-removed', cause }) as const),
  ];
}

function describeObligations(obligations: Obligations): readonly string[] {
  const { redact, reveal, limits, transforms, labels, audit, notify } = obligations;
  return [
    ...Object.entries(redact.detectors).map(([name, style]) => `redact ${name} as ${style}`),
    ...redact.arguments.map((path) => `redact argument ${path}`),
    ...Object.entries(reveal).flatMap(([path, detectors]) =>
      detectors.map((name) => `reveal ${name} in argument ${path}`),
    ),
    ...Object.entries(limits).map(([name, limit]) => `limit ${name} to ${limit}`),
    ...transforms.map((name) => `transform ${name}`),
    ...(labels.integrity === 'untrusted' ? ['label untrusted'] : []),
    ...(labels.confidentiality === 'public' ? [] : [`label ${labels.confidentiality}`]),
    ...labels.compartments.map((name) => `label compartment ${name}`),
    ...labels.sources.map((name) => `label source ${name}`),
    ...(audit === 'full' ? ['audit full'] : []),
    ...notify.map((name) => `notify ${name}`),
  ];
}
