import type { Message, SessionTurn } from '@modelhost/kernel';
import { estimateMessageTokens, weighMessages } from '../model/tokens.ts';
import { textMessage } from './texts.ts';

/** What the model is sent, with a running estimate of what it weighs, so that no step counts it again. */
export interface SentMessages {
  messages(): readonly Message[];
  tokens(): number;
  add(message: Message): void;
  /** From here on it is the run that speaks. */
  begin(): void;
  /** All of the run alone, the task first, as it was said. */
  said(): readonly Message[];
  /**
   * Puts the summary that an earlier run of the session made of the beginning of the history in its place. Gives whether it did: not
   * twice, and not where that would be no shorter.
   */
  recall(): boolean;
  /** Puts a text where the first of these stands, or before the task if that comes first, and takes them all out. */
  replace(older: readonly Message[], by: StandIn): void;
  /** The newest summary that stands for something of the history, for later runs; undefined when there is none. */
  summary(): SessionTurn['summary'];
}

/** What stands in the place of older messages. */
export interface StandIn {
  readonly type: 'summary' | 'cut';
  readonly text: string;
}

/** Starts with nothing. `history` is what will be added before the run begins; `earlier` stands for its first messages, where it must. */
export function createSentMessages(
  history: readonly Message[],
  earlier: SessionTurn['summary'],
): SentMessages {
  let messages: Message[] = [];
  let said: Message[] | undefined;
  let tokens = 0;
  // Later runs may need it, whether this one does or not.
  let summary = earlier;
  let isRecalled = false;

  function replace(older: readonly Message[], { type, text }: StandIn): void {
    const gone = new Set(older);
    const task = said?.[0];
    // The newest words of the user stay the last that are his.
    const at = messages.findIndex((message) => gone.has(message) || message === task);
    messages = messages.filter((message) => !gone.has(message)).toSpliced(at, 0, textMessage(text));
    tokens = weighMessages(messages);
    // A later run has all of the history: what only was left out of it may find its place there.
    if (type === 'cut') return;
    const left = new Set(messages);
    const kept = history.findIndex((message) => left.has(message));
    const replaced = kept < 0 ? history.length : kept;
    if (replaced > 0) summary = { text, messages: replaced };
  }

  return {
    messages: () => messages,
    tokens: () => tokens,
    add: (message) => {
      messages.push(message);
      said?.push(message);
      tokens += estimateMessageTokens(message);
    },
    begin: () => {
      said = [];
    },
    recall: () => {
      if (earlier === undefined || isRecalled) return false;
      isRecalled = true;
      const { text, messages: replaced } = earlier;
      const older = history.slice(0, replaced);
      if (estimateMessageTokens(textMessage(text)) >= weighMessages(older)) return false;
      replace(older, { type: 'summary', text });
      return true;
    },
    said: () => said ?? [],
    replace,
    summary: () => summary,
  };
}
