export type { AgentLoopPorts } from './active-run.ts';
export { createBudgetLedger } from './budget-ledger.ts';
export { createCallLedger } from './call-ledger.ts';
export type { CallLedger } from './call-ledger.ts';
export { decisionFacts } from './call-facts.ts';
export { labelsOfInput } from './conversation.ts';
export type { AnswerChange, DirectAnswer, DirectResults } from './direct-result.ts';
export { createCallGovernor } from './governed-call.ts';
export type {
  CallGovernor,
  CallGovernorPorts,
  DirectCall,
  PermittedCall,
} from './governed-call.ts';
export { hideInArguments, repeatsName } from './hide-in-arguments.ts';
export { createAgentLoop } from './loop.ts';
export { agentLoopVersion } from './loop-version.ts';
export { absentSession, createSessionIntake } from './sessions/session-intake.ts';
export type { SessionIntake, SessionStart, SessionWish } from './sessions/session-intake.ts';
