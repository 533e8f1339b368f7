import { joinLabels } from '@modelhost/kernel';
import type { DataLabels, Decision, ErrorData, StepRedactor } from '@modelhost/kernel';
import type { ActiveRun } from '../active-run.ts';
import { hideInPiece } from '../hiding/hide-in-piece.ts';
import { decisionFacts, resultFacts } from '../policy/call-facts.ts';
import { labelsOfTool } from '../policy/data-labels.ts';
import { decisionEvent, refusalText } from '../policy/decisions.ts';
import { isPlainAllow } from '../policy/obligations.ts';
import { questionOf } from '../policy/policy-question.ts';
import { applyTransforms } from '../transforms/apply-transforms.ts';
import { cutText } from '../transforms/cut-text.ts';
import { revealedIn } from './incoming.ts';
import { redactionFacts } from './outgoing.ts';
import { recordOf } from './tool-records.ts';
import type { AllowedCall, PlannedCall } from './tool-records.ts';
import { ownVerdict } from './tool-verdict.ts';
import type { AnsweredCall, ToolVerdict } from './tool-verdict.ts';

/** What a tool answered, before policy has seen it. */
export interface RawResult {
  readonly content: string;
  readonly isError: boolean;
  readonly isTruncated: boolean;
}

/** What a tool answered, as policy lets it in. It is journaled. */
export interface AcceptedResult extends RawResult {
  /** Policy keeps it from the model: then there is no content. */
  readonly isWithheld: boolean;
  readonly labels: DataLabels;
  /** Null for one that allows it as it is. */
  readonly decision: Decision | null;
}

/** What is taken in, in which step. */
interface TakenIn {
  readonly raw: RawResult;
  readonly nowMs: number;
  readonly redactor: StepRedactor;
  /** What stands before it, for a piece of a longer result; asked only where something is to be hidden. */
  readonly before?: () => string;
}

/** Asks policy whether the model may see what a tool answered, and does to it what is demanded. */
export async function acceptResult(
  run: ActiveRun,
  answered: AnsweredCall,
  { raw, nowMs, redactor, before }: TakenIn,
): Promise<AcceptedResult> {
  const { tool, obligations } = answered;
  const labels = joinLabels(labelsOfTool(tool), obligations.labels);
  const bytes = Buffer.byteLength(raw.content);
  const decision = await run.ports.policy.decide(
    questionOf(run, {
      action: 'AcceptToolResult',
      resource: { type: 'tool-result', tool, bytes },
      nowMs,
      labels,
    }),
  );
  const noted = isPlainAllow(decision) ? null : decision;
  if (decision.effect !== 'allow') {
    const nothing = { content: '', isTruncated: false, isWithheld: true };
    return { ...nothing, isError: raw.isError, labels, decision: noted };
  }
  const { redact, transforms } = decision.obligations;
  const revealed = revealedIn(run.session, answered);
  const styles = { ...revealed.styles, ...redact.detectors };
  // Only the run itself may write placeholders, also in what is left once the text is changed.
  const change = (text: string): string =>
    revealed.conceal(run.session.escape(applyTransforms(text, transforms)));
  const piece = {
    before: redactor.hides(styles) ? (before?.() ?? '') : '',
    text: raw.content,
    isCut: raw.isTruncated,
  };
  const changed = hideInPiece(piece, redactor, { styles, change });
  const content = cutText(changed, obligations.limits.resultBytesMax);
  return {
    content,
    isError: raw.isError,
    isTruncated: raw.isTruncated || content.length < changed.length,
    isWithheld: false,
    labels: joinLabels(labels, decision.obligations.labels),
    decision: noted,
  };
}

/** The verdict on a call that its tool answered. Tells the followers what policy said, where it said something. */
export function verdictOnResult(
  run: ActiveRun,
  { call, base }: PlannedCall,
  { result, answered }: { readonly result: AcceptedResult; readonly answered: AnsweredCall },
): ToolVerdict {
  const { content, isError, isTruncated, labels, decision } = result;
  const { name } = answered.tool;
  if (decision !== null) {
    const subject = { callId: call.id, action: 'AcceptToolResult', resource: name };
    run.context.emit(base, decisionEvent({ ...subject, decision }));
  }
  if (result.isWithheld) return withheld(name, decision);
  return {
    outcome: isError ? 'tool_error' : 'ok',
    content,
    isTruncated,
    labels,
    answered,
    error: undefined,
  };
}

/** What a tool answered, and what became of it. */
interface TakenResult {
  readonly raw: RawResult;
  readonly result: AcceptedResult;
}

/** The outcome of a call that its tool answered, and what policy said of the answer; null once both are durable. */
export async function recordResult(
  run: ActiveRun,
  call: AllowedCall,
  about: TakenResult & { readonly outcome: string; readonly redactor: StepRedactor },
): Promise<ErrorData | null> {
  const { outcome, raw, result } = about;
  const facts = {
    outcome: result.isWithheld ? 'withheld' : outcome,
    code: '',
    ...redactionFacts(about.redactor),
    ...sealedIfFull(run, call.decision, raw),
  };
  // They share one group commit.
  const [unrecorded, undecided] = await Promise.all([
    run.tryRecord(recordOf(run, call, 'outcome', facts)),
    recordAcceptance(run, call, call.tool.name, { raw, result }),
  ]);
  return unrecorded ?? undecided;
}

/** What policy said of a result; null once it is durable, or where it said nothing that has to be. */
export async function recordAcceptance(
  run: ActiveRun,
  { base }: PlannedCall,
  tool: string,
  { raw, result: { decision } }: TakenResult,
): Promise<ErrorData | null> {
  if (decision === null) return null;
  const { principal, runId } = run.input;
  return run.tryRecord({
    kind: 'decision',
    tenant: principal.tenant,
    runId,
    step: base,
    actor: principal.subject,
    facts: {
      tool,
      ...decisionFacts(decision, 'AcceptToolResult'),
      ...sealedIfFull(run, decision, raw),
    },
  });
}

/** What is sealed is what the tool answered, before anything was done to it. */
function sealedIfFull(
  { ports, input }: ActiveRun,
  { obligations }: Decision,
  { content }: RawResult,
): ReturnType<typeof resultFacts> {
  if (obligations.audit !== 'full') return {};
  return resultFacts(ports.keys, input.principal.tenant, content);
}

function withheld(tool: string, decision: Decision | null): ToolVerdict {
  const message = decision === null ? 'policy withholds it' : refusalText(decision);
  const rule = decision?.reasons[0]?.rule ?? '';
  const content = `The call was made, but its result is withheld by policy: ${message}.`;
  return ownVerdict('withheld', content, {
    code: 'policy_violation',
    message,
    facts: { action: 'AcceptToolResult', tool, rule },
  });
}
