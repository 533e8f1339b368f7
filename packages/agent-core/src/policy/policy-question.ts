import type {
  ApprovalFact,
  CallEvidence,
  CallHistory,
  DataLabels,
  PolicyAction,
  PolicyRequest,
  PolicyResource,
} from '@modelhost/kernel';
import type { ActiveRun } from '../active-run.ts';
import { askerOf } from './asker.ts';

/** What a question of a run is about. */
export interface RunQuestion {
  readonly action: PolicyAction;
  readonly resource: PolicyResource;
  readonly nowMs: number;
  readonly labels: DataLabels;
  /** Absent: that of the run, with no call at hand. */
  readonly history?: CallHistory;
  readonly callDigest?: string;
  readonly approval?: ApprovalFact | undefined;
  readonly evidence?: CallEvidence;
}

/** A question of a run to policy. */
export function questionOf(run: ActiveRun, question: RunQuestion): PolicyRequest {
  const { action, resource, nowMs, labels, callDigest = '', approval, evidence } = question;
  return {
    ...askerOf(run.input),
    action,
    resource,
    context: {
      runId: run.input.runId,
      nowMs,
      callDigest,
      spent: run.statistics(),
      approval,
      labels,
      evidence,
      history: question.history ?? run.calls.plainHistory(),
    },
  };
}
