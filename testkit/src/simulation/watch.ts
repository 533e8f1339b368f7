import type {
  AtMostOnce,
  BudgetAmount,
  BudgetKind,
  BudgetLedger,
  BudgetState,
  RunContext,
  RunEventBody,
  RunProgram,
  StepInfo,
  StepOptions,
} from '@modelhost/kernel';
import type { ProcessClock } from '../crash/process.ts';
import { tellsMailbox, tellsSecret } from './canaries.ts';
import type { HostWorld } from './world.ts';

/** What a run was charged in the end, and by which process. */
export interface Charge {
  readonly processId: number;
  readonly spent: BudgetAmount;
}

/** The real ledger, with law L1 checked after every change. */
export function watchLedger(world: HostWorld, charges: Map<string, Charge>): BudgetLedger {
  const { ledger, facts, reservations, setAside, budgetScopes, processId } = world;
  /** By scope and budget, what was spent or held already when its limits became what they are. */
  const takenBefore = new Map<string, ReadonlyMap<BudgetKind, number>>();

  function check(scope: string): void {
    const before = takenBefore.get(scope);
    for (const { budget, taken, limit } of takenOf(ledger.state(scope))) {
      // A fork may have less than what it has taken over used; then nothing is added to it.
      const most = Math.max(limit, before?.get(budget) ?? 0);
      if (taken > most) facts.violate('I2', `${taken} of ${limit} ${budget}`);
    }
  }

  function isFinished(runId: string): boolean {
    return facts.all.some(
      (fact) => fact.type === 'handed' && fact.runId === runId && fact.kind === 'finish',
    );
  }

  return {
    ...ledger,
    open: (scope, limits) => {
      budgetScopes.add(scope);
      ledger.open(scope, limits);
      const taken = takenOf(ledger.state(scope));
      takenBefore.set(scope, new Map(taken.map((one) => [one.budget, one.taken])));
    },
    reserve: (scope, id, amount) => {
      const outcome = ledger.reserve(scope, id, amount);
      check(scope);
      if (outcome.kind === 'reserved') {
        const key = `${runOf(scope)}/${id}`;
        reservations.set(key, amount.tokens);
        setAside.set(key, Math.max(setAside.get(key) ?? 0, amount.tokens));
      }
      return outcome;
    },
    settle: (scope, id, used) => {
      const outcome = ledger.settle(scope, id, used);
      check(scope);
      return outcome;
    },
    close: (scope) => {
      const { held, spent } = ledger.state(scope);
      if (held.steps > 0 || held.tokens > 0) facts.violate('I2', 'something is held at the end');
      const runId = runOf(scope);
      const before = charges.get(runId);
      // What a process thinks that is no longer in charge does not count, nor a rehearsal, which ends on the way.
      const isMore = before?.processId !== processId || spent.steps >= before.spent.steps;
      const isInCharge = (before?.processId ?? 0) <= processId && !isFinished(runId);
      if (isInCharge && isMore) charges.set(runId, { processId, spent });
      budgetScopes.delete(scope);
      takenBefore.delete(scope);
      ledger.close(scope);
    },
  };
}

interface Taken {
  readonly budget: BudgetKind;
  /** Spent or held. */
  readonly taken: number;
  readonly limit: number;
}

function takenOf({ limits, spent, held }: BudgetState): readonly Taken[] {
  const { tokensMax, costMicroUsdMax, stepsMax, toolCallsMax } = limits;
  const cost = spent.costMicroUsd + held.costMicroUsd;
  return [
    { budget: 'tokens', taken: spent.tokens + held.tokens, limit: tokensMax },
    { budget: 'cost', taken: cost, limit: costMicroUsdMax },
    { budget: 'steps', taken: spent.steps + held.steps, limit: stepsMax },
    { budget: 'tool_calls', taken: spent.toolCalls + held.toolCalls, limit: toolCallsMax },
  ];
}

/** The run of a budget: each life of it has its own. */
export function runOf(scope: string): string {
  return scope.slice(0, scope.lastIndexOf('/'));
}

/**
 * The program, with what its steps emit compared with what their results say that they emitted. The signals of a program that
 * has ended are added to `signals`.
 */
export function watchProgram(
  world: HostWorld,
  program: RunProgram,
  signals: Set<AbortSignal>,
): RunProgram {
  return async (context, input) => {
    const number = (world.lives.get(context.runId) ?? 0) + 1;
    world.lives.set(context.runId, number);
    const life = `${world.processId}/${number}`;
    const own = new Set([context.signal]);
    const watch: Watch = { world, context, signals: own, life };
    const watched: RunContext = {
      ...context,
      step: async (name, body, options) => watchStep(watch, name, { body, options }),
      atMostOnce: async (name, body, options) => watchOnce(watch, name, { body, options }),
    };
    const result = await program(watched, input);
    for (const signal of own) signals.add(signal);
    return result;
  };
}

interface Watch {
  readonly world: HostWorld;
  readonly context: RunContext;
  readonly signals: Set<AbortSignal>;
  readonly life: string;
}

interface WatchedStep<T> {
  readonly body: (info: StepInfo) => Promise<T>;
  readonly options: StepOptions<T> | undefined;
}

async function watchStep<T>(watch: Watch, name: string, step: WatchedStep<T>): Promise<T> {
  const { body, check } = watchEvents(watch, name, { ...step, isOnce: false });
  return check(await watch.context.step(name, body, step.options));
}

async function watchOnce<T>(
  watch: Watch,
  name: string,
  step: WatchedStep<T>,
): Promise<AtMostOnce<T>> {
  const { body, check } = watchEvents(watch, name, { ...step, isOnce: true });
  const once = await watch.context.atMostOnce(name, body, step.options);
  return once.kind === 'done' ? { kind: 'done', value: check(once.value) } : once;
}

/** The body of a step, and the check that its result tells just what it emitted. */
function watchEvents<T>(
  watch: Watch,
  name: string,
  step: WatchedStep<T> & { readonly isOnce: boolean },
): { readonly body: (info: StepInfo) => Promise<T>; readonly check: (result: T) => T } {
  const { facts } = watch.world;
  const emitted: { readonly timeMs: number; readonly body: RunEventBody }[] = [];
  let hasRun = false;
  return {
    body: async (info) => {
      hasRun = true;
      meetBody(watch, name, { info, isOnce: step.isOnce });
      const emit = (body: RunEventBody): number => {
        const timeMs = info.emit(body);
        emitted.push({ timeMs, body });
        return timeMs;
      };
      return step.body({ ...info, emit });
    },
    check: (result) => {
      const kept = JSON.stringify(result ?? null);
      if (tellsSecret(kept) || tellsMailbox(kept)) {
        facts.violate('I8', `the result of ${name} tells what is hidden`);
      }
      // A result that comes from the journal was checked when it was made.
      if (!hasRun) return result;
      const told = step.options?.events?.(result) ?? [];
      if (JSON.stringify(told) !== JSON.stringify(emitted)) {
        facts.violate('I20', `the result of ${name} does not tell what it emitted`);
      }
      return result;
    },
  };
}

function meetBody(
  { world, context, signals, life }: Watch,
  name: string,
  { info, isOnce }: { readonly info: StepInfo; readonly isOnce: boolean },
): void {
  const { runId } = context;
  world.steps.set(info.idempotencyKey, { runId, step: name, life, begun: info.attempt });
  signals.add(info.signal);
  // A process that does not know that it is replaced can begin what may be repeated, and nothing else.
  if (world.isFenced() && !isOnce) return;
  if (world.journal.isJournaled(runId, name)) {
    world.facts.violate('I5', `${runId}: ${name} runs, and its result is journaled`);
  }
}

/** The clock of the engine, which shows the time of its machine, with a check that no timer outlives the runs. */
export function watchClock(world: HostWorld, nowMs: () => number): ProcessClock {
  const { clock, facts, journal, isFenced } = world;
  return {
    now: nowMs,
    turn: async () => clock.turn(),
    setTimer: (delayMs, callback) =>
      clock.setTimer(delayMs, () => {
        if (journal.unfinished() === 0 && !isFenced())
          facts.violate('I15', 'a timer of the engine outlived the runs');
        callback();
      }),
  };
}
