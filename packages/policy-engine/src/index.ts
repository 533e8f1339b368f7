export { checkPolicyText } from './compile/check-policy-text.ts';
export { checkPolicyTextApart, compileRuleSet } from './compile/compile-rule-set.ts';
export type { CompiledRuleSet, CompileOptions } from './compile/compile-rule-set.ts';
export type { PolicyProblem } from './compile/policy-problem.ts';
export { supportedByHost } from './obligations.ts';
export type { ObligationFeature, SupportedObligations } from './obligations.ts';
export { createPolicyEngine } from './policy-engine.ts';
export type { DecisionPoint, PolicyEngineOptions } from './policy-engine.ts';
export { digestPolicyFiles, readPolicyDirectory } from './policy-file.ts';
export type { PolicyFile } from './policy-file.ts';
export { readRuleSet, singleSource } from './rule-set.ts';
export type { PolicySource, RuleSet, RuleSetSource } from './rule-set.ts';
export { compareDecisions } from './rehearsal/compare-decisions.ts';
export type { ChangeKind, DecisionChange } from './rehearsal/compare-decisions.ts';
export type { DecisionExample, DecisionGroup } from './rehearsal/change-groups.ts';
export { allArguments, maskArguments } from './rehearsal/masked-arguments.ts';
export type { MaskedRequest } from './rehearsal/masked-arguments.ts';
export { nameResource } from './rehearsal/recorded-decision.ts';
export type { RecordedDecision } from './rehearsal/recorded-decision.ts';
export { replayDecisions } from './rehearsal/replay-decisions.ts';
export type {
  ChangeKey,
  RehearsalBound,
  RehearsalCandidate,
  RehearsalReport,
  ReplayOptions,
  UndecidableKey,
} from './rehearsal/replay-decisions.ts';
