import type { Message, RunInput } from '@modelhost/kernel';
import { estimateMessageTokens } from './tokens.ts';

/** The messages of a run, with a running estimate of what they weigh, so that no step counts them again. */
export interface Conversation {
  readonly messages: readonly Message[];
  /** Of all messages. */
  tokens(): number;
  add(message: Message): void;
}

/** Starts the conversation of a run: instructions, history, task. */
export function createConversation(input: RunInput): Conversation {
  const messages: Message[] = [];
  let tokens = 0;

  function add(message: Message): void {
    messages.push(message);
    tokens += estimateMessageTokens(message);
  }

  if (input.agent.instructions !== '') add({ role: 'system', content: input.agent.instructions });
  for (const message of input.history) add(message);
  add({ role: 'user', content: input.input });
  return { messages, tokens: () => tokens, add };
}
