import { noObligations } from '@modelhost/kernel';
import type {
  Decision,
  Obligations,
  RunEventBody,
  StepRedactor,
  TextRedaction,
} from '@modelhost/kernel';
import { isPlainAllow } from '../policy/obligations.ts';
import { applyTransforms } from '../transforms/apply-transforms.ts';

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

/** The texts of an answer, as they are shown: all that anybody gets to see of it, the run itself included. */
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
  /** Emits what was held back, once. Of an answer that was broken off, what may be half a value is left out. */
  end(isBroken: boolean): ShownTexts;
}

/** `emitDelta` gives the time that the event got; undefined for texts that are not shown. */
export function createAnswerTexts(
  redactor: StepRedactor,
  emitDelta: ((body: RunEventBody) => number) | undefined,
): AnswerTexts {
  const written = { text: '', reasoning: '' };
  const shown = { text: '', reasoning: '' };
  const redactions = new Map<Cut['type'], TextRedaction>();
  const cuts: Cut[] = [];
  let output: DecidedOutput | null = null;
  let demanded: Pick<Obligations, 'redact' | 'transforms'> = noObligations;

  /** What is looked for is known with the first piece. */
  function redactionOf(type: Cut['type']): TextRedaction {
    const redaction = redactions.get(type) ?? redactor.stream(demanded.redact.detectors);
    redactions.set(type, redaction);
    return redaction;
  }

  function show(type: Cut['type'], piece: string): void {
    if (piece === '') return;
    shown[type] += piece;
    if (emitDelta === undefined) return;
    const timeMs = emitDelta({ type: `${type}-delta`, text: piece });
    cuts.push({ type, length: piece.length, timeMs });
  }

  /** What policy wants taken out of a text may stand across its deltas, so the text is changed and shown as one. */
  function end(isBroken: boolean): ShownTexts {
    const { transforms } = demanded;
    for (const type of ['reasoning', 'text'] as const) {
      const redaction = redactionOf(type);
      const changed = transforms.length === 0 ? '' : applyTransforms(written[type], transforms);
      show(type, redaction.push(changed));
      show(type, isBroken ? redaction.abort() : redaction.end());
    }
    return { ...shown, cuts, output };
  }

  return {
    add: (type, piece) => {
      written[type] += piece;
      if (demanded.transforms.length === 0) show(type, redactionOf(type).push(piece));
    },
    decideOutput: (decided) => {
      output = isPlainAllow(decided.decision) ? null : decided;
      demanded = decided.decision.obligations;
    },
    output: () => output?.decision,
    written: () => written,
    end,
  };
}
