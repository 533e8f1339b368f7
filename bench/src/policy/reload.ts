/** How long the event loop is kept while many rules are compiled and put into force. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createPolicyEngine, compileRuleSet, singleSource } from '@modelhost/policy-engine';
import { textOf, type Company } from './company.ts';

/** By how much the event loop was late at most, in the round that was disturbed least. */
export interface ReloadFigures {
  /** While nothing is done. */
  readonly idleMs: number;
  /** While the rules are compiled, taken over and put into force. */
  readonly reloadMs: number;
  /** From the text to the rules in force. */
  readonly durationMs: number;
  /** CPU time of the thread of the event loop in all, over some hundred turns. */
  readonly threadMs: number;
}

/** Reloads the rules as often as is said; before each, the loop is watched while nothing is done for as long. */
export async function measureReload(company: Company, rounds: number): Promise<ReloadFigures> {
  const files = [{ name: 'authorize.cedar', text: textOf(company) }];
  const empty = {
    name: 'bench',
    scope: 'platform',
    revision: 1,
    digest: 'none',
    tools: [],
  } as const;
  const none = await compileRuleSet({ ...empty, files: [] });
  const engine = createPolicyEngine({ source: singleSource(none) });
  const reload = async (): Promise<void> => {
    const { tools } = company;
    engine.use(singleSource(await compileRuleSet({ ...empty, digest: 'all', files, tools })));
  };
  const cpuBefore = process.threadCpuUsage();
  const start = performance.now();
  await reload();
  const durationMs = performance.now() - start;
  const { user, system } = process.threadCpuUsage(cpuBefore);
  const threadMs = (user + system) / 1_000;
  let best: ReloadFigures = { idleMs: Infinity, reloadMs: Infinity, durationMs, threadMs };
  for (let round = 0; round < rounds; round += 1) {
    const idle = await watch(() => sleep(durationMs));
    const loaded = await watch(reload);
    best = {
      idleMs: Math.min(best.idleMs, idle.longestMs),
      reloadMs: Math.min(best.reloadMs, loaded.longestMs),
      durationMs: Math.min(best.durationMs, loaded.durationMs),
      threadMs,
    };
  }
  return best;
}

interface Watched {
  readonly longestMs: number;
  readonly durationMs: number;
}

/** How often the loop is looked at. */
const everyMs = 1;

/**
 * How late a timer of a millisecond comes at most during the work. The loop sleeps in between, as that of a host does: one
 * that turned without a pause would be seen to wait for its own share of the CPU.
 */
export async function watch(work: () => Promise<unknown>): Promise<Watched> {
  const start = performance.now();
  let last = start;
  let longestMs = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - last - everyMs);
    last = now;
  }, everyMs);
  await work();
  clearInterval(timer);
  return { longestMs, durationMs: performance.now() - start };
}
