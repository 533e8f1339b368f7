import { HostError } from '@modelhost/kernel';
import type {
  CompletionStats,
  Decision,
  ErrorData,
  ModelEvent,
  RunEventBody,
  TokenUsage,
  ToolCall,
} from '@modelhost/kernel';
import { estimateTextTokens } from './tokens.ts';

/** Calls of one answer; more end the answer as the provider's fault. */
const toolCallsPerAnswerMax = 64;
const argumentsBytesMax = 256 * 1024;

/** How the shown deltas of an answer were cut: the text stands once, so that a replay can make the same events again. */
interface Cut {
  readonly type: 'text' | 'reasoning';
  /** In UTF-16 code units. */
  readonly length: number;
  readonly timeMs: number;
}

/** The journaled result of a model step. */
export interface ModelAnswer {
  readonly kind: 'answered' | 'denied' | 'failed' | 'stopped';
  readonly decision: Decision;
  readonly decidedAtMs: number;
  readonly text: string;
  readonly reasoning: string;
  readonly cuts: readonly Cut[];
  readonly toolCalls: readonly ToolCall[];
  /** `runaway` when the host stopped a provider that ignored its bound. */
  readonly finishReason: CompletionStats['finishReason'] | 'runaway' | 'none';
  /** The provider's name of the model. */
  readonly model: string;
  readonly usage: TokenUsage;
  readonly error: ErrorData | undefined;
  readonly durationMs: number;
}

/** An answer that is still coming in. */
export interface AnswerDraft {
  add(event: Exclude<ModelEvent, { type: 'done' }>): void;
  /** Bytes of text, reasoning and arguments so far. */
  bytes(): number;
  /** The provider's own end, or `runaway` when the host stopped it. */
  finish(end: CompletionStats | 'runaway'): void;
  /** The answer as it stands now. */
  end(kind: ModelAnswer['kind'], error?: ErrorData): ModelAnswer;
}

/** What a draft needs to know of its step. */
export interface AnswerDraftOptions {
  readonly decision: Decision;
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
}

/** Collects an answer and emits its deltas as they come, where they are shown. */
export function createAnswerDraft(options: AnswerDraftOptions): AnswerDraft {
  const { decision, decidedAtMs, startedMs, now, emitDelta } = options;
  const cuts: Cut[] = [];
  const toolCalls: ToolCall[] = [];
  const texts = { text: '', reasoning: '' };
  let bytes = 0;
  let ended: CompletionStats | 'runaway' | undefined;

  function addDelta(type: Cut['type'], piece: string): void {
    texts[type] += piece;
    bytes += Buffer.byteLength(piece);
    if (emitDelta === undefined) return;
    const timeMs = emitDelta({ type: `${type}-delta`, text: piece });
    cuts.push({ type, length: piece.length, timeMs });
  }

  function addCall(call: ToolCall): void {
    checkCall(call, toolCalls.length);
    bytes += Buffer.byteLength(call.arguments);
    toolCalls.push({ ...call, id: options.callId(toolCalls.length) });
  }

  function end(kind: ModelAnswer['kind'], error?: ErrorData): ModelAnswer {
    const stats = typeof ended === 'string' ? undefined : ended;
    const isStarted = bytes > 0 || ended !== undefined;
    return {
      kind,
      decision,
      decidedAtMs,
      ...texts,
      cuts,
      toolCalls,
      finishReason: ended === 'runaway' ? 'runaway' : (stats?.finishReason ?? 'none'),
      model: stats?.model ?? options.model,
      // A call that failed before its first byte has cost nothing that we know of.
      usage: stats?.usage ?? estimateUsage(texts, toolCalls, isStarted ? options.inputTokens : 0),
      error,
      durationMs: now() - startedMs,
    };
  }

  return {
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
    finish: (given) => {
      ended = given;
    },
    end,
  };
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
  texts: Pick<ModelAnswer, 'text' | 'reasoning'>,
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
