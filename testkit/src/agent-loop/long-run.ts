import type { Message, ModelRequest, ModelRoute } from '@modelhost/kernel';
import { createTool, textAnswer } from './outside.ts';
import type { ModelTurn, OutsideOptions } from './outside.ts';
import { play } from './play.ts';
import type { Played, React } from './play.ts';

const tools = [createTool('desk__read', 'none'), createTool('desk__send', 'irreversible')];
/** A model that holds little. */
export const route: ModelRoute = {
  id: 'fake',
  provider: 'fake',
  model: 'fake-1',
  contextTokensMax: 8_000,
  outputTokensMax: 500,
  inputMicroUsdPerToken: 1,
  outputMicroUsdPerToken: 3,
};
/** About 1,000 tokens. */
export const page: string = 'x'.repeat(3_000);
/** What the model says: it reads a page. */
export const read: ModelTurn = { calls: [['desk__read', '{}']] };
/** It ends the run. */
export const done: ModelTurn = { text: 'done' };
/** It summarizes. */
export const summary: ModelTurn = { text: 'Seven pages were read; they are all x.' };

/** A run of a small model, whose tools answer with pages. */
export async function playLong(
  world: OutsideOptions,
  changes: Parameters<typeof play>[1] = {},
  react?: React,
): Promise<Played> {
  const { agentChanges, limits, ...rest } = changes;
  return play(
    { tools, callTool: async () => textAnswer(page), ...world },
    {
      ...rest,
      limits: { tokensMax: 1_000_000, ...limits },
      agentChanges: agentChanges ?? { route, compactAtPercent: 80 },
    },
    react,
  );
}

/** How a run ended, or the code of what it failed with. */
export function endingOf({ result }: Played): string {
  const { ending } = result;
  return ending.reason === 'failed' ? ending.error.code : ending.reason;
}

/** The text of a message. */
export function textOf(message: Message | undefined): string {
  if (message === undefined) return '';
  if (message.role !== 'user') return message.content;
  return message.content.map((part) => (part.type === 'text' ? part.text : '')).join(' ');
}

/** Whether the model is asked for a summary. */
export function isSummaryRequest({ messages }: ModelRequest): boolean {
  return textOf(messages.at(-1)).startsWith('The conversation has grown too long');
}

/** Pages are read until the window is full; then, where it is asked for, comes the summary. */
export const full: readonly ModelTurn[] = [read, read, read, read, read, read];
