import type { BudgetLimits, Message, RunInput, ToolDefinition } from '@modelhost/kernel';
import { createRunInput } from '../run-input.ts';
import type { Random } from './random.ts';

/** One run of a simulated world. */
export interface RunPlan {
  readonly runId: string;
  readonly tenant: string;
  readonly startAfterMs: number;
  readonly limits: BudgetLimits;
  readonly maxOutputTokens: number;
  readonly toolCallsInFlightMax: number;
  readonly approvalTimeoutMs: number;
  readonly hasClientTool: boolean;
  readonly mayBeSampled: boolean;
  readonly isSearched: boolean;
  readonly wantsJson: boolean;
  /** Whether it goes on with a conversation in which a model has spoken. */
  readonly hasHistory: boolean;
  /** Null when nobody cancels it. */
  readonly cancelAfterMs: number | null;
  readonly followers: readonly FollowerPlan[];
}

/** One client that follows a run. */
export interface FollowerPlan {
  readonly startAfterMs: number;
  readonly afterSequence: number;
  /** How long it sleeps after each event. */
  readonly pauseMs: number;
  /** It breaks off after so many events and comes back; 0 for never. */
  readonly reconnectEvery: number;
}

/** What one seed simulates. */
export interface Scenario {
  readonly runs: readonly RunPlan[];
  readonly eventsMax: number;
  /** Null when the host is not drained. */
  readonly drainAfterMs: number | null;
  readonly drainTimeoutMs: number;
}

/** Draws what a seed simulates: mostly one run, sometimes several side by side. */
export function drawScenario(random: Random): Scenario {
  const runs = random.chance(0.85) ? 1 : random.int(2, 3);
  return {
    runs: Array.from({ length: runs }, (_, index) => drawRun(random, index + 1)),
    eventsMax: random.chance(0.1) ? random.int(20, 40) : 5_000,
    drainAfterMs: random.chance(0.05) ? random.int(0, 2_000) : null,
    drainTimeoutMs: random.int(0, 3_000),
  };
}

function drawRun(random: Random, number: number): RunPlan {
  return {
    runId: `run_${number}`,
    tenant: random.pick(['acme', 'bolt']),
    startAfterMs: random.int(0, 50),
    limits: {
      tokensMax: random.chance(0.2) ? random.int(20, 900) : random.int(2_000, 60_000),
      costMicroUsdMax: random.chance(0.12) ? random.int(0, 3_000) : 1_000_000,
      stepsMax: random.chance(0.25) ? random.int(1, 6) : random.int(8, 50),
      toolCallsMax: random.chance(0.25) ? random.int(0, 3) : random.int(6, 40),
      durationMsMax: random.chance(0.2) ? random.int(1, 1_000) : random.int(1_000, 60_000),
    },
    maxOutputTokens: random.int(1, 400),
    toolCallsInFlightMax: random.int(1, 4),
    approvalTimeoutMs: random.int(10, 3_000),
    hasClientTool: random.chance(0.4),
    mayBeSampled: random.chance(0.5),
    isSearched: random.chance(0.3),
    wantsJson: random.chance(0.1),
    cancelAfterMs: random.chance(0.4) ? random.int(0, random.pick([150, 2_000])) : null,
    followers: Array.from({ length: random.int(0, 2) }, () => drawFollower(random)),
    hasHistory: random.chance(0.1),
  };
}

function drawFollower(random: Random): FollowerPlan {
  return {
    startAfterMs: random.int(0, 800),
    afterSequence: random.chance(0.5) ? 0 : random.int(0, 12),
    pauseMs: random.chance(0.5) ? 0 : random.int(1, 60),
    reconnectEvery: random.chance(0.5) ? 0 : random.int(1, 6),
  };
}

/** The tools of the simulated world, one for each effect. */
export const tools: readonly ToolDefinition[] = [
  defineTool('read', 'none'),
  defineTool('note', 'idempotent'),
  defineTool('move', 'reversible'),
  defineTool('pay', 'irreversible'),
];

/** A tool that the client runs. */
export const clientTool: ToolDefinition = {
  ...defineTool('ask', 'none'),
  name: 'ask_user',
  server: 'client',
  executor: 'client',
};

function defineTool(name: string, effect: ToolDefinition['effect']): ToolDefinition {
  return {
    name: `desk__${name}`,
    description: 'A tool of the simulated desk.',
    inputSchema: { type: 'object', required: ['value'], properties: { value: { type: 'string' } } },
    effect,
    integrity: 'untrusted',
    decisionArguments: [],
    server: 'desk',
    serverTool: name,
    executor: 'host',
  };
}

const history: readonly Message[] = [
  { role: 'user', content: [{ type: 'text', text: 'before' }] },
  { role: 'assistant', content: 'said', toolCalls: [] },
];

/** The input of a planned run. */
export function inputOf(plan: RunPlan): RunInput {
  const { runId, tenant, limits, maxOutputTokens, toolCallsInFlightMax, approvalTimeoutMs } = plan;
  const plain = createRunInput({ runId, tenant, limits });
  return {
    ...plain,
    agent: {
      ...plain.agent,
      toolCallsInFlightMax,
      approvalTimeoutMs,
      toolCallTimeoutMs: 400,
      samplingServers: plan.mayBeSampled ? ['desk'] : [],
      toolSearch: plan.isSearched ? 'always' : 'never',
    },
    history: plan.hasHistory ? history : [],
    sampling: { maxOutputTokens },
    clientTools: plan.hasClientTool ? [clientTool] : [],
    answerSchema: plan.wantsJson ? { type: 'object' } : undefined,
  };
}
