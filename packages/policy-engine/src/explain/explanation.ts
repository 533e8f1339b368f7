import type { Decision } from '@modelhost/kernel';
import type { RuleSetPart } from '../annotations.ts';
import type { Rule } from '../rules.ts';
import type { RuleState } from './rule-states.ts';

/** Why a decision came out as it did, and what would have changed it. It holds no value of an argument. */
export interface Explanation {
  readonly decision: Decision;
  /** Rules about the action and the resource; those that decide first, then those that apply, then the others. */
  readonly rules: readonly RuleExplanation[];
  /** Single changes that were tried and that lead to another effect. */
  readonly changes: readonly ChangeExplanation[];
}

/** What a rule had to do with a decision. */
export interface RuleExplanation extends RuleState {
  readonly id: string;
  readonly set: RuleSetPart;
  readonly effect: Rule['effect'];
  /** `file:line:column`. */
  readonly place: string;
  /** Names of what its conditions read, such as `context.labels.untrusted`; none where its head is not for this principal. */
  readonly facts: readonly string[];
}

/** A change to the request or the rules, in words, and the effect that it would have. */
export interface ChangeExplanation {
  readonly change: string;
  readonly effect: Decision['effect'];
}
