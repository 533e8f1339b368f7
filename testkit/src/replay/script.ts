import type {
  LlmProvider,
  Message,
  ModelEvent,
  ModelRequest,
  PolicyRequest,
  RunInput,
  ToolDefinition,
} from '@modelhost/kernel';
import { anybody } from '../agent-loop/decision.ts';
import type { GivenDecision } from '../agent-loop/decision.ts';
import { isSummaryRequest, page, route, summary, textOf } from '../agent-loop/long-run.ts';
import { createTool, textAnswer } from '../agent-loop/outside.ts';
import type { OutsideOptions } from '../agent-loop/outside.ts';
import { createRunInput } from '../run-input.ts';

/** What happens in a run: its task, and whoever answers, goes by it. */
export type Story = 'tools' | 'approved' | 'refused' | 'cancelled' | 'unsafe' | 'compacted';

const stories: readonly Story[] = [
  ...(['tools', 'tools', 'tools', 'approved', 'approved'] as const),
  ...(['refused', 'cancelled', 'unsafe', 'unsafe', 'compacted'] as const),
];

/** Each story has its share of the runs. */
export function storyOf(number: number): Story {
  return stories[number % stories.length] ?? 'tools';
}

const tools: readonly ToolDefinition[] = [
  createTool('desk__read', 'none'),
  createTool('desk__send', 'irreversible'),
  createTool('desk__pay', 'irreversible'),
];

/** What one run is started with. */
export function createStory(number: number): RunInput {
  const story = storyOf(number);
  const isLong = story === 'compacted';
  return createRunInput({
    runId: `run_${String(number).padStart(6, '0')}`,
    input: [{ type: 'text', text: `story ${story}` }],
    limits: { tokensMax: 10_000_000, durationMsMax: 3_600_000 },
    agentChanges: {
      toolCallTimeoutMs: 600_000,
      modelCallTimeoutMs: 600_000,
      ...(isLong ? { route, compactAtPercent: 80 } : {}),
    },
  });
}

/** Policy and tools of all stories; each answer takes a while, so that a process can be killed in the middle. */
export function createWorld(story: Story, wait: () => Promise<unknown>): OutsideOptions {
  return {
    turns: [],
    tools,
    decide,
    callTool: async ({ tool }) => {
      await wait();
      return textAnswer(story === 'compacted' ? page : `the result of ${tool}`);
    },
  };
}

/** Paying waits for somebody; everything else is allowed. */
function decide({ action, resource, context }: PolicyRequest): GivenDecision {
  const isPayment =
    action === 'CallTool' && resource.type === 'tool' && resource.tool.name === 'desk__pay';
  if (!isPayment || context.approval !== undefined) return { effect: 'allow' };
  return { effect: 'hold', gates: [{ ...anybody, isSelfApprovalAllowed: true }], ttlMs: 600_000 };
}

/** A model that goes by what it sees alone, so that it says the same in whatever process it is asked. */
export function createModel(wait: () => Promise<unknown>): LlmProvider {
  return {
    stream: async function* (request): AsyncGenerator<ModelEvent, void> {
      const calls = callsFor(request);
      for (const text of wordsFor(request)) {
        await wait();
        yield { type: 'text-delta', text };
      }
      for (const [index, name] of calls.entries()) {
        yield { type: 'tool-call', call: { id: `call-${index}`, name, arguments: '{"n":1}' } };
      }
      const finishReason = calls.length > 0 ? 'tool-calls' : 'stop';
      const about = { model: 'fake-1', usage: undefined, responseId: undefined };
      yield { type: 'done', stats: { ...about, finishReason } };
    },
    check: async () => {},
    close: async () => {},
  };
}

function wordsFor(request: ModelRequest): readonly string[] {
  if (isSummaryRequest(request)) return [summary.text ?? ''];
  return ['Now I know ', 'what to do ', 'next. '];
}

function callsFor(request: ModelRequest): readonly string[] {
  if (isSummaryRequest(request)) return [];
  const { messages } = request;
  const turn = messages.filter(({ role }) => role === 'assistant').length;
  const story = storyIn(messages);
  switch (story) {
    case 'tools':
      return [['desk__read', 'desk__read'], ['desk__read'], []][turn] ?? [];
    case 'unsafe':
      return [['desk__send', 'desk__read'], ['desk__send'], []][turn] ?? [];
    case 'approved':
    case 'refused':
    case 'cancelled':
      return [['desk__read'], ['desk__pay'], []][turn] ?? [];
    case 'compacted':
      return isSummarized(messages) && turn > 3 ? [] : ['desk__read'];
  }
}

function storyIn(messages: readonly Message[]): Story {
  const told = messages.map(textOf).join(' ');
  return stories.find((story) => told.includes(`story ${story}`)) ?? 'compacted';
}

function isSummarized(messages: readonly Message[]): boolean {
  return messages.some((message) => textOf(message).includes(summary.text ?? ''));
}
