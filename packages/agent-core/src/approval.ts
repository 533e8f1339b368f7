import { sha256Hex } from '@modelhost/kernel';
import type { ApprovalFact, Decision } from '@modelhost/kernel';
import type { ActiveRun } from './active-run.ts';
import { reasonsText } from './decisions.ts';
import { recordOf } from './tool-records.ts';
import type { CheckedCall } from './tool-records.ts';
import { deniedVerdict } from './tool-verdict.ts';
import type { ToolVerdict } from './tool-verdict.ts';

type HeldDecision = Extract<Decision, { effect: 'hold' }>;
/** A yes as a fact for policy, or the verdict on the call. */
export type ApprovalAnswer =
  | { readonly fact: ApprovalFact }
  | { readonly fact: undefined; readonly verdict: ToolVerdict };

/** Asks people about exactly this call, and waits for their answer as long as decision and agent let it. */
export async function askApproval(
  run: ActiveRun,
  call: CheckedCall,
  decision: HeldDecision,
): Promise<ApprovalAnswer> {
  const { context } = run;
  const approvalId = `apr_${sha256Hex(`${run.input.runId}\0${call.base}`).slice(0, 26)}`;
  const timeoutMs = Math.min(decision.ttlMs, run.input.agent.approvalTimeoutMs);
  const expiresAtMs = (await context.now(`${call.base}/approval-asked`)) + timeoutMs;
  run.count('approvals');
  context.emit(call.base, {
    type: 'approval-requested',
    approvalId,
    callId: call.call.id,
    tool: call.tool.name,
    arguments: call.argumentsText,
    callDigest: call.callDigest,
    approvers: decision.approvers,
    expiresAtMs,
  });
  const signal = await context.waitForSignal(`approval/${approvalId}`, {
    timeoutMs,
    approvers: decision.approvers,
  });
  const answer =
    signal?.type === 'approval'
      ? signal
      : { approved: false, by: 'timeout', comment: 'nobody answered in time' };
  const { approved, by, comment } = answer;
  await recordApproval(run, call, { approvalId, approved, by });
  context.emit(call.base, {
    type: 'approval-resolved',
    approvalId,
    callId: call.call.id,
    approved,
    by,
    comment,
  });
  if (approved) return { fact: { callDigest: call.callDigest, approver: by, expiresAtMs } };
  const message = `${by === 'timeout' ? 'nobody approved the call in time' : 'a person refused the call'} (${reasonsText(decision)})`;
  return { fact: undefined, verdict: deniedVerdict(call.tool.name, message, 'approval-refused') };
}

async function recordApproval(
  run: ActiveRun,
  call: CheckedCall,
  answer: { readonly approvalId: string; readonly approved: boolean; readonly by: string },
): Promise<void> {
  const { approvalId, approved, by } = answer;
  const error = await run.context.step(`${call.base}/approval`, async () =>
    run.tryRecord({
      ...recordOf(run, call, 'approval', { approvalId, approved }),
      actor: by,
    }),
  );
  if (error !== null) run.fail(error);
}
