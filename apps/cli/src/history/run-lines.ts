import { RunEndReason, ToolOutcome } from '@modelhost/contracts';
import type { RunEvent, RunResult, ToolFinished, ToolRequested } from '@modelhost/contracts';
import { toLine } from '../printable.ts';
import { formatCost } from '../quantities.ts';

/** What a run did, by what is compared with another one. */
export interface RunLines {
  /** Its steps, calls and what became of them, in their order. */
  readonly steps: readonly string[];
  readonly answer: readonly string[];
  readonly ending: readonly string[];
}

const valueLengthMax = 160;
const answerLinesMax = 200;

/** What the events of a run tell that does not differ by itself: no ids, no times, no cuts of the text. */
export function toRunLines(events: readonly RunEvent[]): RunLines {
  const calls = new Map<string, ToolRequested>();
  const steps: string[] = [];
  let result: RunResult | undefined;
  for (const { event, step } of events) {
    if (event.case === 'runStarted') steps.push(`model ${toLine(event.value.model, 64)}`);
    if (event.case === 'toolRequested') calls.set(event.value.callId, event.value);
    if (event.case === 'toolFinished') {
      steps.push(`${step}  ${tellCall(calls.get(event.value.callId), event.value)}`);
    }
    if (event.case === 'stepFinished' && step.endsWith('/model')) {
      steps.push(`${toLine(step, 40)}  ${toLine(event.value.finishReason, 40)}`);
    }
    if (event.case === 'runFinished') result = event.value.result;
  }
  return { steps, answer: answerOf(result), ending: endingOf(result) };
}

function tellCall(call: ToolRequested | undefined, finished: ToolFinished): string {
  const values = toLine(call?.argumentsJson ?? '', valueLengthMax);
  const outcome = outcomes[finished.outcome] ?? 'finished';
  const content = toLine(finished.content, valueLengthMax);
  return `${toLine(finished.tool, 64)} ${values} ${outcome}: ${content}`;
}

// A newer host may know more outcomes.
const outcomes: Readonly<Record<number, string>> = {
  [ToolOutcome.OK]: 'ok',
  [ToolOutcome.TOOL_ERROR]: 'tool error',
  [ToolOutcome.DENIED]: 'denied',
  [ToolOutcome.INVALID_ARGUMENTS]: 'invalid arguments',
  [ToolOutcome.FAILED]: 'failed',
  [ToolOutcome.UNKNOWN]: 'unknown',
  [ToolOutcome.CANCELLED]: 'cancelled',
  [ToolOutcome.WITHHELD]: 'withheld',
};

const reasons: Readonly<Record<number, string>> = {
  [RunEndReason.COMPLETED]: 'completed',
  [RunEndReason.BUDGET_EXCEEDED]: 'budget exceeded',
  [RunEndReason.DENIED]: 'denied',
  [RunEndReason.CANCELLED]: 'cancelled',
  [RunEndReason.DEADLINE]: 'out of time',
  [RunEndReason.FAILED]: 'failed',
};

function answerOf(result: RunResult | undefined): readonly string[] {
  if (result === undefined || result.answer === '') return [];
  const lines = result.answer.split('\n').map((line) => toLine(line, 400));
  const rest = lines.length - answerLinesMax;
  return rest <= 0 ? lines : [...lines.slice(0, answerLinesMax), `… and ${rest} lines more`];
}

function endingOf(result: RunResult | undefined): readonly string[] {
  if (result === undefined) return ['not finished'];
  const { statistics, error } = result;
  const why = error === undefined ? '' : `: ${error.code}: ${toLine(error.message, 200)}`;
  const ending = `${reasons[result.reason] ?? 'finished'}${why}`;
  if (statistics === undefined) return [ending];
  const { modelCalls, toolCalls, toolCallsDenied, inputTokens, outputTokens } = statistics;
  return [
    ending,
    `${modelCalls} model calls, ${toolCalls} tool calls, ${toolCallsDenied} denied`,
    `${inputTokens} tokens in, ${outputTokens} out, ${formatCost(statistics.costMicroUsd)}`,
  ];
}
