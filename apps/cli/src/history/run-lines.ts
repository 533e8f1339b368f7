import { CompactionMethod, RunEndReason, ToolOutcome } from '@modelhost/contracts';
import type {
  ContextCompacted,
  RunEvent,
  RunResult,
  StepFinished,
  ToolFinished,
  ToolRequested,
} from '@modelhost/contracts';
import { toLine } from '../text/printable.ts';
import { count, formatCost } from '../text/quantities.ts';

/** What a run did, by what is compared with another one. */
export interface RunLines {
  /**
   * Its steps, what they said, its calls and what became of them; in the order of their names, as calls that are made at once end in
   * any order.
   */
  readonly steps: readonly string[];
  readonly answer: readonly string[];
  readonly ending: readonly string[];
}

const valueLengthMax = 160;
const textLinesMax = 200;

/** What the events of a run tell that does not differ by itself: no ids, no times, no cuts of the text. */
export function toRunLines(events: readonly RunEvent[]): RunLines {
  const known: Known = { calls: new Map(), models: new Map() };
  const texts = new Map<string, string>();
  const told: ToldStep[] = [];
  let result: RunResult | undefined;
  for (const { event, step } of events) {
    if (event.case === 'textDelta') {
      texts.set(step, `${texts.get(step) ?? ''}${event.value.text}`);
    }
    // What it said up to then was lost, and it says it again.
    if (event.case === 'stepReset') texts.delete(step);
    if (event.case === 'runFinished') result = event.value.result;
    const line = tellEvent(event, step, known);
    if (line !== undefined) told.push({ step, lines: [line] });
  }
  const said = [...texts].filter(([, text]) => text !== result?.answer);
  for (const [step, text] of said) {
    told.push({ step, lines: linesOf(text).map((line) => `${toLine(step, 40)}  says: ${line}`) });
  }
  return {
    steps: told.toSorted(byPlace).flatMap(({ lines }) => lines),
    answer: result === undefined ? [] : linesOf(result.answer),
    ending: endingOf(result),
  };
}

/** What later events are told with. */
interface Known {
  readonly calls: Map<string, ToolRequested>;
  /** That were asked, by their steps. */
  readonly models: Map<string, string>;
}

/** Undefined for an event that is no line of its own. */
function tellEvent(
  event: RunEvent['event'],
  step: string,
  { calls, models }: Known,
): string | undefined {
  const place = toLine(step, 40);
  if (event.case === 'decision' && event.value.action === 'UseModel') {
    models.set(step, event.value.resource);
  }
  if (event.case === 'toolRequested') calls.set(event.value.callId, event.value);
  if (event.case === 'runStarted') return `model ${toLine(event.value.model, 64)}`;
  if (event.case === 'contextCompacted') return `${place}  ${tellCompaction(event.value)}`;
  if (event.case === 'toolFinished') {
    return `${place}  ${tellCall(calls.get(event.value.callId), event.value)}`;
  }
  return event.case === 'stepFinished' && isModelStep.test(step)
    ? `${place}  ${tellAnswer(models.get(step), event.value)}`
    : undefined;
}

/** Also what makes a summary, and what is tried again with less; what a tool asks the model is part of its call. */
const isModelStep = /^turn-\d{1,9}\/(?:compact|model)(?:-again)?$/;

interface ToldStep {
  /** Empty for what stands before every step. */
  readonly step: string;
  readonly lines: readonly string[];
}

function byPlace(one: ToldStep, other: ToldStep): number {
  const [turn, call] = placeOf(one.step);
  const [otherTurn, otherCall] = placeOf(other.step);
  return turn - otherTurn || call - otherCall;
}

/** Turn and call of a step; the model is asked before its calls are made. */
function placeOf(step: string): readonly [turn: number, call: number] {
  const [, turn = '0', call = '0'] = /^turn-(\d{1,9})(?:\/tool-(\d{1,9}))?/.exec(step) ?? [];
  return [Number(turn), Number(call)];
}

function tellAnswer(model: string | undefined, { finishReason }: StepFinished): string {
  const end = toLine(finishReason, 40);
  return model === undefined ? end : `${toLine(model, 64)}: ${end}`;
}

function tellCompaction({ method, messagesBefore, messagesAfter }: ContextCompacted): string {
  const how = method === CompactionMethod.SUMMARY ? 'summarized' : 'cut';
  return `${count(messagesBefore, 'message')} ${how} to ${messagesAfter}`;
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

function linesOf(text: string): readonly string[] {
  if (text === '') return [];
  const lines = text.split('\n').map((line) => toLine(line, 400));
  const rest = lines.length - textLinesMax;
  return rest <= 0 ? lines : [...lines.slice(0, textLinesMax), `… and ${rest} lines more`];
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
    `${count(modelCalls, 'model call')}, ${count(toolCalls, 'tool call')}, ${toolCallsDenied} denied`,
    `${inputTokens} tokens in, ${outputTokens} out, ${formatCost(statistics.costMicroUsd)}`,
  ];
}
