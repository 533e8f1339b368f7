import type { CallHistory, Decision, Principal, ToolDefinition } from '@modelhost/kernel';
import { addAmounts, keptAmount } from './call-sums.ts';
import type { CallAmounts } from './call-sums.ts';
import { createCallWindow } from './call-window.ts';
import type { CallWindow } from './call-window.ts';
import { createLine } from './line.ts';
import type { Line } from './line.ts';

/** A call that is to be decided. */
export interface LedgerCall {
  readonly principal: Principal;
  readonly tool: ToolDefinition;
  readonly amounts: CallAmounts;
  readonly nowMs: number;
}

/** What a principal called before, in all its runs and clients. Sums hold the call at hand already. */
export type PrincipalPast = Pick<CallHistory, 'callsLastHour' | 'callsLastDay'> & {
  readonly sums: CallAmounts;
};

/**
 * What principals called in the last day, in memory. Hours are counted to the minute and days to the quarter of an hour,
 * the older part whole, so that nothing is forgotten too early.
 */
export interface CallLedger {
  /**
   * Decides a call by what was called before. It counts from before its decision, and no longer once that is not to allow
   * it. Calls of one tool by one principal are decided one after the other, in the order in which they came.
   */
  decide(call: LedgerCall, decide: (past: PrincipalPast) => Promise<Decision>): Promise<Decision>;
}

interface Account {
  readonly line: Line;
  readonly hour: CallWindow;
  readonly day: CallWindow;
  readonly sums: Map<string, CallWindow>;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * `accountsMax` bounds the pairs of a principal and a tool that are known; past it the one that was used longest ago is
 * forgotten, though never one that is being decided.
 */
export function createCallLedger(accountsMax: number = 20_000): CallLedger {
  const accounts = new Map<string, Account>();
  let newestMs = 0;

  function accountOf({ principal, tool }: LedgerCall): Account {
    const key = `${principal.tenant}\0${principal.subject}\0${tool.name}`;
    const known = accounts.get(key);
    // Whoever was used last stands last.
    if (known !== undefined) accounts.delete(key);
    else if (accounts.size >= accountsMax) forgetOldest();
    const account = known ?? createAccount();
    accounts.set(key, account);
    return account;
  }

  function forgetOldest(): void {
    for (const [key, { line }] of accounts) {
      if (!line.isEmpty()) continue;
      accounts.delete(key);
      return;
    }
  }

  async function decide(
    call: LedgerCall,
    decideBy: (past: PrincipalPast) => Promise<Decision>,
  ): Promise<Decision> {
    const account = accountOf(call);
    const place = account.line.enter();
    if (place.turn !== undefined) await place.turn;
    // A clock that was set back must not bring back what is past.
    newestMs = Math.max(newestMs, call.nowMs);
    const atMs = newestMs;
    const past = pastOf(account, call.amounts, atMs);
    count(account, call.amounts, { atMs, times: 1 });
    let isAllowed = false;
    try {
      const decision = await decideBy(past);
      isAllowed = decision.effect === 'allow';
      return decision;
    } finally {
      if (!isAllowed) count(account, call.amounts, { atMs, times: -1 });
      place.pass();
    }
  }

  return { decide };
}

function createAccount(): Account {
  return {
    line: createLine(),
    hour: createCallWindow(hourMs, minuteMs),
    day: createCallWindow(dayMs, hourMs / 4),
    sums: new Map(),
  };
}

function pastOf(account: Account, amounts: CallAmounts, atMs: number): PrincipalPast {
  const sums: Record<string, number> = {};
  for (const [name, amount] of Object.entries(amounts)) {
    sums[name] = addAmounts(account.sums.get(name)?.sum(atMs) ?? 0, amount);
  }
  return { callsLastHour: account.hour.sum(atMs), callsLastDay: account.day.sum(atMs), sums };
}

function count(
  account: Account,
  amounts: CallAmounts,
  { atMs, times }: { readonly atMs: number; readonly times: 1 | -1 },
): void {
  account.hour.add(atMs, times);
  account.day.add(atMs, times);
  for (const [name, amount] of Object.entries(amounts)) {
    const window = account.sums.get(name) ?? createCallWindow(dayMs, hourMs / 4);
    account.sums.set(name, window);
    window.add(atMs, times * keptAmount(amount));
  }
}
