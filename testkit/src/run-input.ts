import type { AgentSpec, BudgetLimits, RunInput } from '@modelhost/kernel';

const budget: BudgetLimits = {
  tokensMax: 10_000,
  costMicroUsdMax: 1_000_000,
  stepsMax: 50,
  toolCallsMax: 20,
  durationMsMax: 60_000,
};

const agent: AgentSpec = {
  id: 'tester',
  version: '1',
  description: 'An agent for tests.',
  instructions: 'Do what the task says.',
  route: {
    id: 'fake',
    provider: 'fake',
    model: 'fake-1',
    contextTokensMax: 100_000,
    outputTokensMax: 4_000,
    inputMicroUsdPerToken: 1,
    outputMicroUsdPerToken: 3,
  },
  tools: ['desk__*'],
  budget,
  sampling: {},
  toolCallsInFlightMax: 4,
  toolCallTimeoutMs: 5_000,
  modelCallTimeoutMs: 20_000,
  approvalTimeoutMs: 30_000,
  samplingServers: [],
  toolSearch: 'never',
};

/** A small valid run; what a test cares about it gives in `changes`. */
export function createRunInput(
  changes: Partial<RunInput> & {
    readonly tenant?: string;
    readonly limits?: Partial<BudgetLimits>;
    readonly agentChanges?: Partial<AgentSpec>;
  },
): RunInput {
  const { tenant = 'acme', limits, agentChanges, ...rest } = changes;
  return {
    runId: 'run_1',
    principal: { tenant, subject: `user@${tenant}`, roles: ['tester'] },
    agent: { ...agent, ...agentChanges },
    input: [{ type: 'text', text: 'go' }],
    history: [],
    sampling: {},
    toolChoice: { type: 'auto' },
    answerSchema: undefined,
    clientTools: [],
    budget: { ...budget, ...limits },
    metadata: {},
    ...rest,
  };
}
