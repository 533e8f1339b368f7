/** The real loop on a world that costs next to nothing, so that what is left is the loop and its engine. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  agentLoopVersion,
  createAgentLoop,
  createBudgetLedger,
  createCallLedger,
  type AgentLoopPorts,
} from '@modelhost/agent-core';
import type { Programs } from '@modelhost/engine-embedded';
import { createJsonSchemas } from '@modelhost/json-schema';
import {
  noObligations,
  type Decision,
  type Keys,
  type LlmProvider,
  type ModelEvent,
  type RunContext,
  type RunProgram,
  type ToolDefinition,
  type ToolGateway,
} from '@modelhost/kernel';
import { createHostRedactor } from '@modelhost/redaction';
import { callsInTurns, toolResult } from './task.ts';

/** What the world outside takes for its answers; 0 is at once. */
export interface Pace {
  readonly modelMs: number;
  readonly toolMs: number;
}

/** The programs of an engine. `onStep` gets how long each step took, from asking to being given its result. */
export function createPrograms(
  keys: Keys,
  pace: Pace,
  onStep: (durationMs: number) => void,
): Programs {
  const ports = createPorts(keys, pace);
  const make = (): RunProgram =>
    timeSteps(createAgentLoop({ ...ports, budgets: createBudgetLedger() }), onStep);
  return { current: agentLoopVersion, versions: new Map([[agentLoopVersion, make]]) };
}

function timeSteps(program: RunProgram, onStep: (durationMs: number) => void): RunProgram {
  return async (context, input) => {
    async function time<T>(work: Promise<T>): Promise<T> {
      const start = performance.now();
      const value = await work;
      onStep(performance.now() - start);
      return value;
    }
    const timed: RunContext = {
      ...context,
      step: async (...step) => time(context.step(...step)),
      atMostOnce: async (...step) => time(context.atMostOnce(...step)),
    };
    return program(timed, input);
  };
}

function createPorts(keys: Keys, pace: Pace): Omit<AgentLoopPorts, 'budgets'> {
  return {
    providers: new Map([['fake', createProvider(pace)]]),
    tools: createTools(pace),
    schemas: createJsonSchemas(),
    policy: {
      decide: async () => allow,
      visible: async (_asker, listed) => listed,
      digest: () => allow.policyDigest,
    },
    audit: {
      append: async () => ({ index: 0, hash: '' }),
      head: () => undefined,
      check: async () => {},
      close: async () => {},
    },
    keys,
    redactor: createHostRedactor({ always: {}, keys }),
    calls: createCallLedger(),
  };
}

const allow: Decision = {
  effect: 'allow',
  reasons: [{ rule: 'all', message: 'all is permitted' }],
  obligations: noObligations,
  policyDigest: 'd'.repeat(64),
  bundles: [],
};

const tool: ToolDefinition = {
  name: 'desk__read',
  description: 'Reads a row.',
  inputSchema: { type: 'object' },
  effect: 'none',
  integrity: 'untrusted',
  decisionArguments: [],
  server: 'desk',
  serverTool: 'read',
  executor: 'host',
};

function createTools({ toolMs }: Pace): ToolGateway {
  return {
    listTools: () => [tool],
    searchTools: () => [],
    checkArguments: () => [],
    callTool: async () => {
      if (toolMs > 0) await delay(toolMs);
      return { type: 'answer', content: toolResult, isError: false, isTruncated: false };
    },
    abandonCall: () => {},
    readResult: () => ({ type: 'answer', content: '', isError: true, isTruncated: false }),
    servers: () => [],
    close: async () => {},
  };
}

function createProvider({ modelMs }: Pace): LlmProvider {
  return {
    stream: async function* ({ messages }): AsyncGenerator<ModelEvent, void> {
      if (modelMs > 0) await delay(modelMs);
      const turn = messages.filter(({ role }) => role === 'assistant').length;
      const count = callsInTurns[turn] ?? 0;
      yield { type: 'text-delta', text: 'One more row, then I know what is in them all.' };
      for (let index = 0; index < count; index += 1) {
        const call = { id: `${turn}-${index}`, name: tool.name, arguments: `{"row":${turn}}` };
        yield { type: 'tool-call', call };
      }
      const usage = {
        inputTokens: 400,
        outputTokens: 40,
        cachedInputTokens: 0,
        reasoningTokens: 0,
      };
      const finishReason = count > 0 ? 'tool-calls' : 'stop';
      yield {
        type: 'done',
        stats: { model: 'fake-1', finishReason, usage, responseId: undefined },
      };
    },
    check: async () => {},
    close: async () => {},
  };
}
