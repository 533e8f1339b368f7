import type { BudgetLedger } from '@modelhost/kernel';
import type { VirtualClock } from '../virtual-clock.ts';
import type { Facts } from './facts.ts';
import type { Outside } from './outside.ts';

/** What the parts of a simulated world share. */
export interface World {
  readonly clock: VirtualClock;
  readonly outside: Outside;
  readonly facts: Facts;
  /** The real ledger of the runs, for looking only. */
  readonly ledger: BudgetLedger;
  /** Run and step behind an idempotency key, as the engine gave it out. */
  readonly steps: Map<string, { readonly runId: string; readonly step: string }>;
  /** Calls of fakes that have not ended: none may be left in the end. */
  readonly open: Set<string>;
}

/** Run and step of a key; a key that the engine did not give out is a violation. */
export function stepOf(
  world: World,
  key: string,
): { readonly runId: string; readonly step: string } {
  const step = world.steps.get(key);
  if (step !== undefined) return step;
  world.facts.violate('I5', 'a port was called under an idempotency key that is no step');
  return { runId: '', step: key };
}
