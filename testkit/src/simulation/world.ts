import type { BudgetLedger } from '@modelhost/kernel';
import type { ProcessClock } from '../crash/process.ts';
import type { Conversations } from './conversations.ts';
import type { Facts } from './facts.ts';
import type { Governance } from './governance.ts';
import type { JournalWatch } from './journal-watch.ts';
import type { Outside } from './outside.ts';
import type { RuleSetName } from './rules.ts';

/** What the parts of a simulated world share. */
export interface World {
  readonly clock: ProcessClock;
  readonly outside: Outside;
  readonly facts: Facts;
  readonly governance: Governance;
  /** What policy has said so far, as events tell it, in all processes together. */
  readonly decisions: Set<string>;
  /** What the store has taken, whoever wrote it. */
  readonly journal: JournalWatch;
  readonly conversations: Conversations;
  /** Rules that a run has for itself, whatever is in force. */
  readonly decidedUnder: Map<string, RuleSetName>;
  /** What each run is to do, in words, by its id. */
  readonly tasks: Map<string, string>;
  /** The most tokens that were set aside for a model call, by run and step, in all processes together. */
  readonly setAside: Map<string, number>;
  /** How often something of this name happened, this time included, in all processes together. */
  readonly count: (name: string) => number;
}

/** What the parts of one process share: all but the world is gone when it is killed. */
export interface HostWorld extends World {
  readonly processId: number;
  /** Whether another process has taken over, and this one does not know. */
  readonly isFenced: () => boolean;
  /** The real ledger of the runs, for looking only. */
  readonly ledger: BudgetLedger;
  /** Of the budgets that are open. */
  readonly budgetScopes: Set<string>;
  /** Tokens that are set aside for a model call, by run and step. */
  readonly reservations: Map<string, number>;
  /** Run and step behind an idempotency key, as the engine gave it out. */
  readonly steps: Map<string, StepPlace>;
  /** How often the program of a run has begun in this process. */
  readonly lives: Map<string, number>;
  /** Calls of fakes that have not ended: none may be left in the end. */
  readonly open: Set<string>;
}

/** Where a body is at work. */
export interface StepPlace {
  readonly runId: string;
  readonly step: string;
  /** Process, and beginning of the program in it. */
  readonly life: string;
  /** As the engine counts: one that was not durable is counted again. */
  readonly begun: number;
}

/** Run and step of a key; a key that the engine did not give out is a violation. */
export function stepOf(world: HostWorld, key: string): StepPlace {
  const step = world.steps.get(key);
  if (step !== undefined) return step;
  world.facts.violate('I5', 'a port was called under an idempotency key that is no step');
  return { runId: '', step: key, life: '', begun: 0 };
}
