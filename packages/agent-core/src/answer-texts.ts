import type { Decision, Obligations, RunEventBody } from '@modelhost/kernel';
import { isPlainAllow } from './obligations.ts';
import { applyTransforms } from './transforms/apply-transforms.ts';

/** How the shown deltas of an answer were cut: the text stands once, so that a replay can make the same events again. */
export interface Cut {
  readonly type: 'text' | 'reasoning';
  /** In UTF-16 code units. */
  readonly length: number;
  readonly timeMs: number;
}

/** A decision on showing an answer, and when it was emitted. */
export interface DecidedOutput {
  readonly decision: Decision;
  readonly atMs: number;
}

/** The texts of an answer, as they are shown. */
export interface ShownTexts {
  readonly text: string;
  readonly reasoning: string;
  readonly cuts: readonly Cut[];
  /** What policy said of showing them; null where nothing was to be shown, or where they may be shown as they are. */
  readonly output: DecidedOutput | null;
}

/** The texts of an answer that is still coming in. */
export interface AnswerTexts {
  add(type: Cut['type'], piece: string): void;
  /** Notes what policy said, before the first piece. What it wants changed is held back until it is whole. */
  decideOutput(decided: DecidedOutput): void;
  /** What policy said so far. */
  output(): Decision | undefined;
  /** As the model wrote them. */
  written(): Readonly<Record<Cut['type'], string>>;
  /** Emits what was held back, once. */
  end(): ShownTexts;
}

/** `emitDelta` gives the time that the event got; undefined for texts that are not shown. */
export function createAnswerTexts(
  emitDelta: ((body: RunEventBody) => number) | undefined,
): AnswerTexts {
  const texts = { text: '', reasoning: '' };
  const cuts: Cut[] = [];
  let output: DecidedOutput | null = null;
  let transforms: Obligations['transforms'] = [];

  function show(type: Cut['type'], piece: string): void {
    if (emitDelta === undefined || piece === '') return;
    const timeMs = emitDelta({ type: `${type}-delta`, text: piece });
    cuts.push({ type, length: piece.length, timeMs });
  }

  /** What policy wants taken out of a text may stand across its deltas, so the text is changed and shown as one. */
  function end(): ShownTexts {
    if (transforms.length === 0) return { ...texts, cuts, output };
    const reasoning = applyTransforms(texts.reasoning, transforms);
    const text = applyTransforms(texts.text, transforms);
    show('reasoning', reasoning);
    show('text', text);
    return { text, reasoning, cuts, output };
  }

  return {
    add: (type, piece) => {
      texts[type] += piece;
      if (transforms.length === 0) show(type, piece);
    },
    decideOutput: (decided) => {
      output = isPlainAllow(decided.decision) ? null : decided;
      ({ transforms } = decided.decision.obligations);
    },
    output: () => output?.decision,
    written: () => texts,
    end,
  };
}
