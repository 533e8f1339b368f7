export type { AgentLoopPorts } from './active-run.ts';
export { createBudgetLedger } from './budgets/budget-ledger.ts';
export { createCallLedger } from './budgets/call-ledger.ts';
export type { CallLedger } from './budgets/call-ledger.ts';
export { decisionFacts } from './policy/call-facts.ts';
export { labelsOfInput } from './conversation.ts';
export type { AnswerChange, DirectAnswer, DirectResults } from './direct/direct-result.ts';
export { createCallGovernor } from './direct/governed-call.ts';
export type {
  CallGovernor,
  CallGovernorPorts,
  DirectCall,
  PermittedCall,
} from './direct/governed-call.ts';
export { hideInArguments, repeatsName } from './hiding/hide-in-arguments.ts';
export { createAgentLoop } from './loop.ts';
export { agentLoopVersion } from './loop-version.ts';
export { absentSession, createSessionIntake } from './sessions/session-intake.ts';
export type { SessionIntake, SessionStart, SessionWish } from './sessions/session-intake.ts';
export { changeTerms, stepsWith } from './terms.ts';
