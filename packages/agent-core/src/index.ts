export type { AgentLoopPorts } from './active-run.ts';
export { createBudgetLedger } from './budget-ledger.ts';
export { createAgentLoop } from './loop.ts';
