import type { CallHistory, ToolDefinition } from '@modelhost/kernel';
import type { PrincipalPast } from './call-ledger.ts';
import { addAmounts, keptAmount } from './call-sums.ts';
import type { CallAmounts } from './call-sums.ts';

/** What a run has called: only calls that were allowed, so those that were denied cost nothing. */
export interface RunCalls {
  /** As policy sees it before a call of this tool. */
  history(tool: ToolDefinition, amounts: CallAmounts, past: PrincipalPast): CallHistory;
  /** As policy sees it where no call is at hand. */
  plainHistory(): CallHistory;
  /** A call was allowed, `isApproved` by people. Gives what to do once it is finished. */
  begin(tool: ToolDefinition, amounts: CallAmounts, isApproved: boolean): () => void;
}

/** Starts with no calls. What it keeps is bounded by the tools of the run. */
export function createRunCalls(): RunCalls {
  const counts = new Map<string, number>();
  const sums = new Map<string, number>();
  let callsInFlight = 0;
  let approvals = 0;

  function plainHistory(): CallHistory {
    return {
      toolsUsed: [...counts.keys()].sort(),
      callsOfTool: 0,
      callsInFlight,
      callsLastHour: 0,
      callsLastDay: 0,
      approvals,
      sums: {},
    };
  }

  function history(
    { name }: ToolDefinition,
    amounts: CallAmounts,
    { callsLastHour, callsLastDay, sums: daySums }: PrincipalPast,
  ): CallHistory {
    const both: Record<string, { run: number; day: number }> = {};
    for (const [argument, amount] of Object.entries(amounts)) {
      const run = addAmounts(sums.get(`${name}\0${argument}`) ?? 0, amount);
      both[argument] = { run, day: daySums[argument] ?? amount };
    }
    const callsOfTool = counts.get(name) ?? 0;
    return { ...plainHistory(), callsOfTool, callsLastHour, callsLastDay, sums: both };
  }

  function begin({ name }: ToolDefinition, amounts: CallAmounts, isApproved: boolean): () => void {
    counts.set(name, (counts.get(name) ?? 0) + 1);
    for (const [argument, amount] of Object.entries(amounts)) {
      const key = `${name}\0${argument}`;
      sums.set(key, addAmounts(sums.get(key) ?? 0, keptAmount(amount)));
    }
    if (isApproved) approvals += 1;
    callsInFlight += 1;
    return () => {
      callsInFlight -= 1;
    };
  }

  return { history, plainHistory, begin };
}
