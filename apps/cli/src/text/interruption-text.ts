import { CompactionMethod } from '@modelhost/contracts';
import type { ContextCompacted, RunEvent } from '@modelhost/contracts';
import type { RewoundRun } from '@modelhost/sdk';
import type { Paint } from './paint.ts';
import { toLine } from './printable.ts';

/** What does not belong to the run, but happened to it. */
export type Interruption = Extract<
  RunEvent['event'],
  { case: 'stepReset' | 'eventsDropped' | 'contextCompacted' }
>;

/** Whether an event is one of these. */
export function isInterruption(event: RunEvent['event']): event is Interruption {
  return ['stepReset', 'eventsDropped', 'contextCompacted'].includes(event.case ?? '');
}

/** The line of such an event. */
export function renderInterruption(event: Interruption, step: string, paint: Paint): string {
  return `  ${paint.dim(`⋯ ${tellInterruption(event, step)}`)}\n`;
}

function tellInterruption(event: Interruption, step: string): string {
  switch (event.case) {
    case 'stepReset':
      return `interrupted: try ${event.value.attempt} of ${toLine(step, 40)}`;
    case 'eventsDropped':
      return `events ${event.value.fromSequence} to ${event.value.toSequence} are no longer kept`;
    case 'contextCompacted':
      return tellCompaction(event.value);
  }
}

function tellCompaction(compacted: ContextCompacted): string {
  const { method, messagesBefore, messagesAfter, tokensBefore, tokensAfter } = compacted;
  const how = method === CompactionMethod.SUMMARY ? 'summarized' : 'left out';
  return `older messages ${how}: ${messagesBefore} to ${messagesAfter}, about ${tokensBefore} to ${tokensAfter} tokens`;
}

/** A run of which more was shown than the host has. */
export function toRewound({ runId, lastSequence }: RewoundRun): string {
  return `the host has only ${lastSequence} events of ${runId}, fewer than were shown: all of them again`;
}
