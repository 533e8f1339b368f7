import type { DecisionLog } from '@modelhost/decision-log';
import { replayDecisions } from '@modelhost/policy-engine';
import type { DecisionPoint, RehearsalReport } from '@modelhost/policy-engine';

/** Newest decisions that a candidate is asked about before it is put in force. */
const decisionsMax = 1_000;
const pageSize = 200;
const groupBound = { groupsMax: 100, examplesMax: 5 };

/** Asks a candidate about the newest decisions of a tenant, of all for undefined. */
export async function replayNewest(options: {
  readonly decisions: DecisionLog;
  readonly candidate: DecisionPoint;
  readonly tenant: string | undefined;
  readonly signal: AbortSignal;
}): Promise<RehearsalReport> {
  const { decisions, candidate, tenant, signal } = options;
  const filter = tenant === undefined ? {} : { tenant };
  const sinceMs = await findStart(decisions, filter);
  const recorded = decisions.recorded({ ...filter, sinceMs });
  return replayDecisions({ recorded, candidate, signal, bound: { decisionsMax, ...groupBound } });
}

/** When the oldest of them was made. Found page by page, so that they are never all in memory. */
async function findStart(log: DecisionLog, filter: { readonly tenant?: string }): Promise<number> {
  let oldestMs = 0;
  let pageToken: string | undefined = '';
  for (let seen = 0; seen < decisionsMax && pageToken !== undefined; seen += pageSize) {
    const page = await log.page({ ...filter, pageSize, pageToken });
    oldestMs = page.decisions.at(-1)?.timeMs ?? oldestMs;
    pageToken = page.nextPageToken;
  }
  return oldestMs;
}
