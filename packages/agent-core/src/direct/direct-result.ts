import { HostError, joinLabels, noHistory, noStatistics } from '@modelhost/kernel';
import type {
  Decision,
  Json,
  Obligations,
  PolicyEngine,
  PolicyRequest,
  RedactionStyles,
  StepRedactor,
  ToolDefinition,
} from '@modelhost/kernel';
import { hideInPiece } from '../hiding/hide-in-piece.ts';
import type { Piece } from '../hiding/hide-in-piece.ts';
import { mapJson } from '../hiding/map-texts.ts';
import { labelsOfTool } from '../policy/data-labels.ts';
import { refusalText } from '../policy/decisions.ts';
import { isPlainAllow } from '../policy/obligations.ts';
import { unansweredRefusal } from '../tools/incoming.ts';
import { applyTransforms } from '../transforms/apply-transforms.ts';

/** What a governor has to know of what was performed. */
export interface DirectResults<T> {
  /** Names how it ended, for the record. */
  readonly outcomeOf: (performed: T) => string;
  /** What policy is asked about before it is given; undefined where a tool has not answered. */
  readonly answerOf: (performed: T) => DirectAnswer | undefined;
  /** The same with everything changed that somebody wrote, whether a tool has answered or not. */
  readonly map: (performed: T, change: AnswerChange) => T;
}

/** What is done to what was performed before anybody gets it. */
export interface AnswerChange {
  /** A text that is for somebody to read. */
  readonly text: (text: string) => string;
  /** A part of one, of which no half of a value gets through. */
  readonly piece: (piece: Piece) => string;
  /** A value of which nothing is known: its strings, keys and numbers. */
  readonly json: (value: Json) => Json;
  /** Only hides, for what would be of no use if it were written in another way, such as an address. */
  readonly hide: (text: string) => string;
}

/** The answer of a tool. */
export interface DirectAnswer {
  /** Of its texts; the rest hardly counts. */
  readonly bytes: number;
  /** All that is to be sealed where policy wants it on record. */
  readonly text: () => string;
}

/** What was performed, with what is known of its answer. */
export interface Answered<T> {
  readonly value: T;
  readonly answer: DirectAnswer;
  readonly map: DirectResults<T>['map'];
}

/** An answer as policy lets it out, or why it does not. */
export type AcceptedAnswer<T> = { readonly decision: Decision | undefined } & (
  | { readonly value: T }
  | { readonly withheld: HostError }
);

/** What an answer belongs to. */
export interface AnsweredRequest {
  readonly asked: PolicyRequest;
  readonly tool: ToolDefinition;
  /** That of the call. */
  readonly decision: Decision;
  readonly nowMs: number;
  readonly redactor: StepRedactor;
}

/**
 * Asks policy about the answer of a direct call. A longer one than the call may have is withheld whole: half of a structured
 * result would be another result. The decision is given where it is more than a plain ALLOW.
 */
export async function acceptAnswer<T>(
  policy: PolicyEngine,
  request: AnsweredRequest,
  { value, answer, map }: Answered<T>,
): Promise<AcceptedAnswer<T>> {
  const { tool } = request;
  const { bytes } = answer;
  const { resultBytesMax = Infinity } = request.decision.obligations.limits;
  if (bytes > resultBytesMax) {
    const why = `it has more than the ${resultBytesMax} bytes that policy lets through`;
    const rule = request.decision.reasons[0]?.rule ?? '';
    return { decision: undefined, withheld: withhold(tool, why, rule) };
  }
  const decision = await policy.decide(questionOf(request, bytes));
  const noted = isPlainAllow(decision) ? undefined : decision;
  if (decision.effect !== 'allow') {
    const rule = decision.reasons[0]?.rule ?? '';
    return { decision: noted, withheld: withhold(tool, refusalText(decision), rule) };
  }
  const { transforms, redact } = decision.obligations;
  const { redactor } = request;
  if (transforms.length === 0 && !redactor.hides(redact.detectors)) {
    return { decision: noted, value };
  }
  const changed = createChange(redactor, { styles: redact.detectors, transforms });
  return { decision: noted, value: map(value, changed) };
}

/** What policy demands of an answer, beside what is hidden always. */
interface Demands {
  readonly styles: RedactionStyles;
  readonly transforms: Obligations['transforms'];
}

/** Changes everything of an answer as is demanded, and hides what is hidden always. */
function createChange(redactor: StepRedactor, { styles, transforms }: Demands): AnswerChange {
  const change = (text: string): string => applyTransforms(text, transforms);
  const hide = (text: string): string => redactor.redact(text, styles);
  return {
    text: (text) => hide(change(text)),
    piece: (piece) => hideInPiece(piece, redactor, { styles, change }),
    json: (value) =>
      redactor.redactJson(transforms.length === 0 ? value : mapJson(value, change), styles),
    hide,
  };
}

/**
 * Gives what changes whatever a tool tells before it answers, or instead of it: by what the call demands, and what its answers do. Policy
 * is asked once, as about an answer of nothing, when the first of it is there. Rejects where policy withholds all of it.
 */
export function createTold(
  policy: PolicyEngine,
  request: Omit<AnsweredRequest, 'nowMs'>,
  now: () => number,
): () => Promise<AnswerChange> {
  let asked: Promise<AnswerChange> | undefined;

  async function ask(): Promise<AnswerChange> {
    const decision = await policy.decide(questionOf({ ...request, nowMs: now() }, 0));
    if (decision.effect !== 'allow') throw unansweredRefusal(request.tool, decision);
    const { redact, transforms } = decision.obligations;
    const { detectors } = request.decision.obligations.redact;
    return createChange(request.redactor, {
      styles: { ...detectors, ...redact.detectors },
      transforms,
    });
  }

  return async () => (asked ??= ask());
}

function questionOf(
  { asked, tool, decision, nowMs }: AnsweredRequest,
  bytes: number,
): PolicyRequest {
  const { principal, agent, isDelegated, context } = asked;
  return {
    principal,
    agent,
    isDelegated,
    action: 'AcceptToolResult',
    resource: { type: 'tool-result', tool, bytes },
    context: {
      runId: context.runId,
      nowMs,
      callDigest: '',
      spent: noStatistics,
      approval: undefined,
      labels: joinLabels(labelsOfTool(tool), decision.obligations.labels),
      evidence: undefined,
      history: noHistory,
    },
  };
}

function withhold({ name: tool }: ToolDefinition, why: string, rule: string): HostError {
  const message = `${tool} was called, but its result is withheld: ${why}`;
  return new HostError('policy_violation', message, {
    facts: { action: 'AcceptToolResult', tool, rule },
  });
}
