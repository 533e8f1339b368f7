export { readQuestion } from './bundle-tests/read-question.ts';
export type { QuestionOptions } from './bundle-tests/read-question.ts';
export { checkPolicyText } from './compile/check-policy-text.ts';
export { checkPolicyTextApart, compileRuleSet, explainApart } from './compile/compile-rule-set.ts';
export type { CompiledRuleSet, CompileOptions } from './compile/compile-rule-set.ts';
export type { PolicyProblem } from './compile/policy-problem.ts';
export type { ChangeExplanation, Explanation, RuleExplanation } from './explain/explanation.ts';
export { nearest } from './nearest.ts';
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
export { askAgain } from './rehearsal/ask-again.ts';
export type { AskedAgain, RuleReader } from './rehearsal/ask-again.ts';
export { allArguments, maskArguments } from './rehearsal/masked-arguments.ts';
export type { MaskedRequest, Masking } from './rehearsal/masked-arguments.ts';
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
export { readBundleContent } from './bundle-tests/bundle-content.ts';
export type { BundleContent } from './bundle-tests/bundle-content.ts';
export { cedarVersion } from './bundle-tests/cedar-version.ts';
export { printTestReport } from './bundle-tests/print-report.ts';
export type { BundleTest } from './bundle-tests/read-tests.ts';
export { runBundleTests } from './bundle-tests/run-tests.ts';
export { runBundleTestsApart } from './bundle-tests/run-tests-apart.ts';
export type { TestOptions } from './bundle-tests/run-tests-apart.ts';
export type { RulePlace, TestReport, TestResult } from './bundle-tests/run-tests.ts';
