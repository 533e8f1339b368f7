import { HostError } from '@modelhost/kernel';
import type {
  CompletionStats,
  Decision,
  ErrorData,
  ModelEvent,
  RunEventBody,
  StepRedactor,
  TokenUsage,
  ToolCall,
} from '@modelhost/kernel';
import { elapsedMs } from '../elapsed.ts';
import { hideInCall } from '../hiding/hide-in-request.ts';
import { createAnswerTexts } from './answer-texts.ts';
import type { AnswerTexts, ShownTexts } from './answer-texts.ts';
import { estimateTextTokens } from './tokens.ts';

/** Calls of one answer; more end the answer as the provider's fault. */
const toolCallsPerAnswerMax = 64;
const argumentsBytesMax = 256 * 1024;

/** The journaled result of a model step. */
export interface ModelAnswer extends ShownTexts {
  readonly kind: 'answered' | 'denied' | 'failed' | 'stopped';
  readonly decision: Decision;
  readonly decidedAtMs: number;
  readonly toolCalls: readonly ToolCall[];
  /** `runaway` when the host stopped a provider that ignored its bound, `withheld` when policy lets nothing of it be shown. */
  readonly finishReason: CompletionStats['finishReason'] | HostEnd | 'none';
  /** The provider's name of the model. */
  readonly model: string;
  /** The route that was asked, in journals of older hosts, whose forks do not know what was in force before them. */
  readonly routeId?: string;
  readonly usage: TokenUsage;
  readonly error: ErrorData | undefined;
  readonly durationMs: number;
  /** Absent in journals of older hosts. */
  readonly endedAtMs?: number;
  /** Attempts before this one that were interrupted: what they used is not known, so that all is charged that was set aside. */
  readonly lostAttempts: number;
}

/** Why the host stops reading an answer. */
type HostEnd = 'runaway' | 'withheld';

/** An answer that is still coming in. */
export interface AnswerDraft extends Pick<AnswerTexts, 'decideOutput' | 'output' | 'written'> {
  /** The request goes out. */
  ask(): void;
  add(event: Exclude<ModelEvent, { type: 'done' }>): void;
  /** Bytes of text, reasoning and arguments so far. */
  bytes(): number;
  /** The provider's own end, or why the host stopped it. */
  finish(end: CompletionStats | HostEnd): void;
  /** The answer as it stands now, once. Emits what was held back. */
  end(kind: ModelAnswer['kind'], error?: ErrorData): ModelAnswer;
}

/** What a draft needs to know of its step. */
export interface AnswerDraftOptions {
  readonly decision: Decision;
  readonly lostAttempts: number;
  /** When the decision was emitted. */
  readonly decidedAtMs: number;
  readonly startedMs: number;
  /** Estimated tokens of the input, for a provider that reports no usage. */
  readonly inputTokens: number;
  /** The model that was asked, for a provider that does not name the one that answered. */
  readonly model: string;
  readonly callId: (index: number) => string;
  readonly now: () => number;
  /** Gives the time that the event got; undefined for an answer whose deltas are not shown. */
  readonly emitDelta: ((body: RunEventBody) => number) | undefined;
  readonly redactor: StepRedactor;
}

/** Collects an answer and emits its deltas as they come, where they are shown. */
export function createAnswerDraft(options: AnswerDraftOptions): AnswerDraft {
  const { decision, decidedAtMs, startedMs, now, redactor } = options;
  const texts = createAnswerTexts(redactor, options.emitDelta);
  const toolCalls: ToolCall[] = [];
  let isAsked = false;
  let bytes = 0;
  let ended: CompletionStats | HostEnd | undefined;

  function addDelta(type: 'text' | 'reasoning', piece: string): void {
    texts.add(type, piece);
    bytes += Buffer.byteLength(piece);
  }

  function addCall(call: ToolCall): void {
    checkCall(call, toolCalls.length);
    bytes += Buffer.byteLength(call.arguments);
    const own = { ...call, id: options.callId(toolCalls.length) };
    toolCalls.push(hideInCall(own, redactor, {}));
  }

  function end(kind: ModelAnswer['kind'], error?: ErrorData): ModelAnswer {
    const stats = typeof ended === 'string' ? undefined : ended;
    const isStarted = bytes > 0 || ended !== undefined;
    const isCharged = isStarted || (isAsked && isGivenUp(kind, error));
    const inputTokens = isCharged ? options.inputTokens : 0;
    const endedAtMs = now();
    return {
      kind,
      decision,
      decidedAtMs,
      ...texts.end(kind !== 'answered' || !isWhole(ended)),
      toolCalls,
      finishReason: typeof ended === 'string' ? ended : (stats?.finishReason ?? 'none'),
      model: stats?.model ?? options.model,
      // A call that was refused has cost nothing that we know of; of one that was given up the input was there already.
      usage: stats?.usage ?? estimateUsage(texts.written(), toolCalls, inputTokens),
      error,
      durationMs: elapsedMs(startedMs, endedAtMs),
      endedAtMs,
      lostAttempts: options.lostAttempts,
    };
  }

  return {
    ask: () => {
      isAsked = true;
    },
    add: (event) => {
      switch (event.type) {
        case 'text-delta':
          return addDelta('text', event.text);
        case 'reasoning-delta':
          return addDelta('reasoning', event.text);
        case 'tool-call':
          return addCall(event.call);
      }
    },
    bytes: () => bytes,
    decideOutput: (decided) => texts.decideOutput(decided),
    output: () => texts.output(),
    written: () => texts.written(),
    finish: (given) => {
      ended = given;
    },
    end,
  };
}

/** Whether nobody waited for what the model was at, which it may have read by then. */
function isGivenUp(kind: ModelAnswer['kind'], error: ErrorData | undefined): boolean {
  if (kind === 'stopped') return true;
  return error?.code === 'provider_timeout' && error.facts['phase'] !== 'connect';
}

/** Whether the answer ends where the model wanted it to. */
function isWhole(ended: CompletionStats | HostEnd | undefined): boolean {
  if (typeof ended !== 'object') return false;
  return ended.finishReason !== 'length' && ended.finishReason !== 'content-filter';
}

function checkCall(call: ToolCall, callsBefore: number): void {
  if (callsBefore >= toolCallsPerAnswerMax) {
    throw new HostError(
      'provider_invalid_response',
      `the answer asks for more than ${toolCallsPerAnswerMax} tool calls`,
    );
  }
  if (Buffer.byteLength(call.arguments) > argumentsBytesMax) {
    throw new HostError(
      'provider_invalid_response',
      `the arguments of a tool call exceed ${argumentsBytesMax} bytes`,
    );
  }
}

function estimateUsage(
  texts: ReturnType<AnswerTexts['written']>,
  toolCalls: readonly ToolCall[],
  inputTokens: number,
): TokenUsage {
  const reasoningTokens = estimateTextTokens(texts.reasoning);
  const outputTokens = toolCalls.reduce(
    (sum, call) => sum + estimateTextTokens(call.arguments),
    estimateTextTokens(texts.text) + reasoningTokens,
  );
  return { inputTokens, outputTokens, cachedInputTokens: 0, reasoningTokens };
}
