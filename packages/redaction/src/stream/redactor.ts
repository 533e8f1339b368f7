import type { RedactionStyle } from '@modelhost/kernel';
import type { Detectors } from '../detectors.ts';
import type { Detection, Finding } from '../finding.ts';
import { createSegmenters, type Segment } from '../segments/segmenter.ts';
import {
  createRender,
  stricter,
  styleOf,
  type Render,
  type RenderOptions,
} from '../styles/style.ts';
import { createWorkBudget, type WorkBudget } from '../work-budget.ts';

/** What a redactor is made of. */
export interface RedactorOptions extends RenderOptions {
  readonly detectors: Detectors;
}

/** A text without what was found in it. */
export interface Redacted {
  readonly text: string;
  /** With places in the text as it was given. */
  readonly findings: readonly Finding[];
  /** Some of it was hidden without being looked at, because looking would have taken too long. */
  readonly isExhausted: boolean;
}

/** Hides what the detectors find. Holds no text between calls. */
export interface Redactor {
  redact(text: string, options?: TextOptions): Redacted;
  stream(options?: TextOptions): RedactionStream;
}

/** What is known about a text. */
export interface TextOptions {
  /** Stands before the text, is looked at with it and never given out; such as `"password": "`. */
  readonly before?: string;
  /** Is told of each finding, right before the text that it was in is given out. */
  readonly onFinding?: (finding: Finding) => void;
}

/** One text that comes in pieces. However it is cut, the pieces given out make the same text. */
export interface RedactionStream {
  /** What can be given out now. */
  push(text: string): string;
  /** The rest; nothing may be pushed afterwards. */
  end(): string;
  /** Instead of `end` when the text was broken off: what could be the beginning of a value is left out. */
  abort(): string;
  /** UTF-16 units that are held back now. */
  held(): number;
}

// What a finding of a text that was not looked at is called.
const unchecked = { detector: 'budget', kind: 'UNCHECKED' } as const;

const privateKey = { detector: 'secrets', kind: 'SECRET' } as const;

/**
 * Makes a redactor; fails at once when a style asks for a key that is not given. Costs little where the detectors have been used
 * before, so that each run can have its own.
 */
export function createRedactor(options: RedactorOptions): Redactor {
  const segmenters = createSegmenters(options.detectors.words);
  const hide = createHiding(options, createRender(options));

  function stream({ before = '', onFinding = ignore }: TextOptions = {}): RedactionStream {
    const segmenter = segmenters.create(before);
    const budget = createWorkBudget();
    let offset = 0;

    function redactAll(segments: readonly Segment[]): string {
      let text = '';
      for (const segment of segments) {
        budget.earn(segment.text.length);
        if (segment.isQuiet) text += segment.text;
        else text += hide(segment, { budget, offset, onFinding });
        offset += segment.text.length;
      }
      return text;
    }

    return {
      push: (text) => redactAll(segmenter.push(text)),
      end: () => redactAll(segmenter.end()),
      abort: () => redactAll(segmenter.abort()),
      held: () => segmenter.held(),
    };
  }

  function redact(text: string, { before = '', onFinding }: TextOptions = {}): Redacted {
    if (segmenters.isQuiet(before === '' ? text : before + text)) {
      return { text, findings: none, isExhausted: false };
    }
    const findings: Finding[] = [];
    const redaction = stream({
      before,
      onFinding: (finding) => {
        findings.push(finding);
        onFinding?.(finding);
      },
    });
    const redacted = redaction.push(text) + redaction.end();
    const isExhausted = findings.some(({ detector }) => detector === unchecked.detector);
    return { text: redacted, findings, isExhausted };
  }

  return { redact, stream };
}

const none: readonly Finding[] = [];

function ignore(): void {}

interface Hiding {
  readonly budget: WorkBudget;
  /** Where the segment begins in the text. */
  readonly offset: number;
  readonly onFinding: (finding: Finding) => void;
}

interface Stretch extends Finding {
  readonly style: RedactionStyle;
}

function createHiding(
  { detectors, styles }: RedactorOptions,
  render: Render,
): (segment: Segment, hiding: Hiding) => string {
  const hidesSecrets = Object.hasOwn(styles, privateKey.detector);

  function find(segment: Segment, { findings, isExhausted }: Detection): readonly Stretch[] {
    const { text, whole, keyPart } = segment;
    const before = whole.length - text.length;
    const stretches: Stretch[] = [];
    for (const found of findings) {
      const end = found.end - before;
      const start = Math.max(0, found.start - before);
      const { detector, kind } = found;
      if (end > 0) stretches.push({ detector, kind, start, end, style: styleOf(styles, found) });
    }
    if (keyPart !== undefined && hidesSecrets) {
      const style = styleOf(styles, { ...privateKey, ...keyPart, others: [] });
      stretches.push({ ...privateKey, ...keyPart, style });
    }
    if (!isExhausted) return keyPart === undefined ? stretches : resolve(stretches);
    const style = stretches.reduce<RedactionStyle>(
      (at, { style: own }) => stricter(at, own),
      'mask',
    );
    return [{ ...unchecked, start: 0, end: text.length, style }];
  }

  return (segment, { budget, offset, onFinding }) => {
    const { text, whole, isCut, hasWord, isPlain, keyPart } = segment;
    const from = isCut ? 0 : whole.length - text.length;
    const detection = detectors.find(whole, { from, budget, isWordless: !hasWord, isPlain });
    if (detection.findings.length === 0 && keyPart === undefined && !detection.isExhausted) {
      return text;
    }
    let hidden = '';
    let at = 0;
    for (const { detector, kind, start, end, style } of find(segment, detection)) {
      onFinding({ detector, kind, start: start + offset, end: end + offset });
      hidden += text.slice(at, start) + render(style, kind, text.slice(start, end));
      at = end;
    }
    return hidden + text.slice(at);
  };
}

/** Joins the part of a private key with what was found in it: named after the longest, hidden as the strictest asks. */
function resolve(stretches: readonly Stretch[]): readonly Stretch[] {
  const resolved: Stretch[] = [];
  for (const stretch of stretches.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = resolved.at(-1);
    if (last === undefined || stretch.start >= last.end) resolved.push(stretch);
    else resolved[resolved.length - 1] = join(last, stretch);
  }
  return resolved;
}

function join(first: Stretch, second: Stretch): Stretch {
  const named = second.end - second.start > first.end - first.start ? second : first;
  const style = stricter(first.style, second.style);
  return { ...named, start: first.start, end: Math.max(first.end, second.end), style };
}
