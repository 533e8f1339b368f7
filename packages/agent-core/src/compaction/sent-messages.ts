import type { Message } from '@modelhost/kernel';
import { estimateMessageTokens, weighMessages } from '../tokens.ts';

/** What the model is sent, with a running estimate of what it weighs, so that no step counts it again. */
export interface SentMessages {
  messages(): readonly Message[];
  tokens(): number;
  add(message: Message): void;
  /** Puts one message where the first of these stands, and takes them all out. */
  replace(older: readonly Message[], by: Message): void;
}

/** Starts with nothing. */
export function createSentMessages(): SentMessages {
  let messages: Message[] = [];
  let tokens = 0;

  return {
    messages: () => messages,
    tokens: () => tokens,
    add: (message) => {
      messages.push(message);
      tokens += estimateMessageTokens(message);
    },
    replace: (older, by) => {
      const gone = new Set(older);
      const at = messages.findIndex((message) => gone.has(message));
      messages = messages.filter((message) => !gone.has(message)).toSpliced(at, 0, by);
      tokens = weighMessages(messages);
    },
  };
}
