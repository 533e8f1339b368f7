import type { Message } from '@modelhost/kernel';
import { weighMessages } from '../model/tokens.ts';

/** What can go out of a conversation, and what stays. */
export interface CompactionPlan {
  /** Messages in whose place one can stand. Every call in them has its answers in them, and no answer is without its call. */
  readonly older: readonly Message[];
  /** All up to the last of these, with what stays between them: what a summary of them is made from. */
  readonly before: readonly Message[];
}

/** Of a conversation that has grown too long. */
export interface Grown {
  readonly messages: readonly Message[];
  /** The newest words of the user, which stay wherever they are. */
  readonly task: Message;
  /** What the newest turns that stay may weigh together; the very newest stays whatever it weighs. */
  readonly keptTokensMax: number;
}

/** Splits a conversation. Undefined when there is nothing that can go out. */
export function planCompaction({
  messages,
  task,
  keptTokensMax,
}: Grown): CompactionPlan | undefined {
  const turns = turnsOf(messages);
  let first = Math.max(0, turns.length - 1);
  let keptTokens = weighMessages(turns[first] ?? []);
  while (first > 0) {
    const earlier = turns[first - 1] ?? [];
    keptTokens += isFixed(earlier, task) ? 0 : weighMessages(earlier);
    if (keptTokens > keptTokensMax) break;
    first -= 1;
  }
  const past = turns.slice(0, first);
  const older = past.flatMap((turn) => (isFixed(turn, task) ? [] : turn));
  return older.length === 0 ? undefined : { older, before: past.flat() };
}

/**
 * The same without its first turns, until it is light enough; nothing that stays is left out. What is left
 * begins with a user, as some providers demand.
 */
export function lighten(
  before: readonly Message[],
  { task, tokensMax }: { readonly task: Message; readonly tokensMax: number },
): readonly Message[] {
  let tokens = weighMessages(before);
  if (tokens <= tokensMax) return before;
  let isAsked = false;
  return turnsOf(before)
    .filter((turn) => {
      const isUsers = turn[0]?.role === 'user';
      const isKept = isFixed(turn, task) || (tokens <= tokensMax && (isAsked || isUsers));
      isAsked ||= isKept && isUsers;
      if (!isKept) tokens -= weighMessages(turn);
      return isKept;
    })
    .flat();
}

/** Messages that only make sense together: an answer of the model with the results of its calls. */
function turnsOf(messages: readonly Message[]): readonly (readonly Message[])[] {
  const turns: Message[][] = [];
  for (const message of messages) {
    const current = turns.at(-1);
    if (message.role === 'tool' && current !== undefined) current.push(message);
    else turns.push([message]);
  }
  return turns;
}

/** Instructions and the task stay. */
function isFixed(turn: readonly Message[], task: Message): boolean {
  return turn.some((message) => message === task || message.role === 'system');
}
