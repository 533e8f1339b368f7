/** The run of the bench: five answers of a model, and five calls of a tool that it asks for. */
import type { RunInput } from '@modelhost/kernel';

/** How many calls the model asks for in each of its turns; after the last it has none. */
export const callsInTurns: readonly number[] = [1, 1, 1, 2, 0];
/** Model and tool steps together. */
export const stepsPerRun: number =
  callsInTurns.length + callsInTurns.reduce((sum, calls) => sum + calls, 0);

/** What a tool gives back. */
export const toolResult: string = 'result '.repeat(73);

/** What one run is started with. */
export function createTask(runId: string): RunInput {
  const budget = {
    tokensMax: 1_000_000,
    costMicroUsdMax: 1_000_000,
    stepsMax: 50,
    toolCallsMax: 20,
    durationMsMax: 600_000,
  };
  return {
    runId,
    principal: { tenant: 'bench', subject: 'load', roles: [] },
    agent: {
      id: 'worker',
      version: '1',
      description: '',
      instructions: 'Read five rows and say what is in them.',
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
      toolCallTimeoutMs: 60_000,
      modelCallTimeoutMs: 60_000,
      approvalTimeoutMs: 60_000,
      samplingServers: [],
      toolSearch: 'never',
    },
    input: [{ type: 'text', text: 'What is in the rows?' }],
    history: [],
    sampling: {},
    toolChoice: { type: 'auto' },
    answerSchema: undefined,
    clientTools: [],
    budget,
    metadata: {},
  };
}
