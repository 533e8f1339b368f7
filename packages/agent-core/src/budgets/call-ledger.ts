import type { CallHistory, Decision, Principal, ToolDefinition } from '@modelhost/kernel';
import { createLine } from '../line.ts';
import type { Line } from '../line.ts';
import { addAmounts, keptAmount } from './call-sums.ts';
import type { CallAmounts } from './call-sums.ts';
import { createCallWindow } from './call-window.ts';
import type { CallWindow } from './call-window.ts';
import { createTenantShares } from './tenant-shares.ts';

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
   * Decides a call by what was called before; it counts once it is allowed. Calls of one tool by one principal are decided
   * one after the other, in the order in which they came.
   */
  decide(call: LedgerCall, decide: (past: PrincipalPast) => Promise<Decision>): Promise<Decision>;
}

interface Account {
  readonly hour: CallWindow;
  readonly day: CallWindow;
  readonly sums: Map<string, CallWindow>;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/**
 * `accountsMax` bounds the pairs of a principal and a tool that are known; past it the tenant that has the most forgets what
 * it used longest ago. Tools of clients, which can have any names, have as many of their own.
 */
export function createCallLedger(accountsMax: number = 20_000): CallLedger {
  const accounts = {
    host: createTenantShares<Account>(accountsMax),
    client: createTenantShares<Account>(accountsMax),
  };
  /** Of calls that are being decided. */
  const lines = new Map<string, Line>();
  let newestMs = 0;

  async function decide(
    call: LedgerCall,
    decideBy: (past: PrincipalPast) => Promise<Decision>,
  ): Promise<Decision> {
    const { principal, tool } = call;
    const key = `${principal.subject}\0${tool.name}`;
    const lineKey = `${tool.executor}\0${principal.tenant}\0${key}`;
    const line = lines.get(lineKey) ?? createLine();
    lines.set(lineKey, line);
    const place = line.enter();
    try {
      if (place.turn !== undefined) await place.turn;
      return await decideNow(call, key, decideBy);
    } finally {
      place.pass();
      if (line.isEmpty()) lines.delete(lineKey);
    }
  }

  async function decideNow(
    { principal: { tenant }, tool, amounts, nowMs }: LedgerCall,
    key: string,
    decideBy: (past: PrincipalPast) => Promise<Decision>,
  ): Promise<Decision> {
    // A clock that was set back must not bring back what is past.
    newestMs = Math.max(newestMs, nowMs);
    const atMs = newestMs;
    const shares = accounts[tool.executor];
    const account = shares.find(tenant, key) ?? createAccount();
    const decision = await decideBy(pastOf(account, amounts, atMs));
    if (decision.effect !== 'allow') return decision;
    count(account, amounts, atMs);
    shares.keep(tenant, key, account);
    return decision;
  }

  return { decide };
}

function createAccount(): Account {
  return {
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

function count(account: Account, amounts: CallAmounts, atMs: number): void {
  account.hour.add(atMs, 1);
  account.day.add(atMs, 1);
  for (const [name, amount] of Object.entries(amounts)) {
    const window = account.sums.get(name) ?? createCallWindow(dayMs, hourMs / 4);
    account.sums.set(name, window);
    window.add(atMs, keptAmount(amount));
  }
}
