import { HostError } from '@modelhost/kernel';
import type {
  Decision,
  RedactionStyles,
  SessionRedactor,
  StepRedactor,
  ToolDefinition,
} from '@modelhost/kernel';
import type { ActiveRun } from '../active-run.ts';
import type { StepWork } from '../guarded-context.ts';
import { labelsOfTool } from '../policy/data-labels.ts';
import { refusalText } from '../policy/decisions.ts';
import { questionOf } from '../policy/policy-question.ts';
import { applyTransforms } from '../transforms/apply-transforms.ts';
import type { AnsweredCall } from './tool-verdict.ts';

/** What a call gave away of the values of its session. */
export interface Revealed {
  /** Hides what is like it: the tool may know more than it was told. */
  readonly styles: RedactionStyles;
  /** Puts the placeholders back. */
  readonly conceal: (text: string) => string;
}

/** What the tool of a call was told of the values behind placeholders. */
export function revealedIn(
  session: SessionRedactor,
  { answers, obligations: { reveal } }: AnsweredCall,
): Revealed {
  const paths = Object.keys(reveal);
  const sent = paths.length === 0 ? undefined : session.restore(answers, reveal);
  if (sent?.type !== 'restored' || sent.restored.length === 0) return nothing;
  const detectors = Object.values(reveal).flat();
  return {
    styles: Object.fromEntries(detectors.map((name) => [name, 'placeholder'] as const)),
    conceal: session.conceal(sent.restored.map(({ placeholder }) => placeholder)),
  };
}

const nothing: Revealed = { styles: {}, conceal: (text) => text };

/** Text that a tool sends before it answers, or instead of it. Nothing is left of it where policy withholds it. */
export interface Incoming {
  /** As it may be kept: without what is to be hidden, and without placeholders but those of the run. */
  readonly hide: (text: string) => string;
  /** The same with the changes that policy wants done to results. */
  readonly change: (text: string) => string;
  /** Why nothing of it may be kept; undefined where it may. */
  readonly refusal: HostError | undefined;
}

/** Gives what hides such text: policy is asked once, as about a result of nothing, when the first of it is there. */
export function createIncoming(
  run: ActiveRun,
  answered: AnsweredCall,
  { now, redactor }: Pick<StepWork, 'now' | 'redactor'>,
): () => Promise<Incoming> {
  let asked: Promise<Incoming> | undefined;

  async function ask(): Promise<Incoming> {
    const { tool } = answered;
    const decision = await run.ports.policy.decide(
      questionOf(run, {
        action: 'AcceptToolResult',
        resource: { type: 'tool-result', tool, bytes: 0 },
        nowMs: now(),
        labels: labelsOfTool(tool),
      }),
    );
    if (decision.effect !== 'allow') return withholdAll(unansweredRefusal(tool, decision));
    const { obligations } = decision;
    const revealed = revealedIn(run.session, answered);
    const hide = createHide(run.session, redactor, {
      revealed,
      styles: obligations.redact.detectors,
    });
    const change = (text: string): string => hide(applyTransforms(text, obligations.transforms));
    return { hide, change, refusal: undefined };
  }

  return async () => (asked ??= ask());
}

/** Says that policy lets nothing in of what a tool said before it answered, or instead of it. */
export function unansweredRefusal({ name: tool }: ToolDefinition, decision: Decision): HostError {
  const why = refusalText(decision);
  const message = `${tool} has not answered, and what it said instead is withheld: ${why}`;
  const rule = decision.reasons[0]?.rule ?? '';
  return new HostError('policy_violation', message, {
    facts: { action: 'AcceptToolResult', tool, rule },
  });
}

function withholdAll(refusal: HostError): Incoming {
  return { hide: () => '', change: () => '', refusal };
}

function createHide(
  session: SessionRedactor,
  redactor: StepRedactor,
  { revealed, styles }: { readonly revealed: Revealed; readonly styles: RedactionStyles },
): Incoming['hide'] {
  const wanted = { ...revealed.styles, ...styles };
  return (text) => redactor.redact(revealed.conceal(session.escape(text)), wanted);
}
