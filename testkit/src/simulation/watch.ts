import type {
  AtMostOnce,
  BudgetAmount,
  BudgetKind,
  BudgetLedger,
  Clock,
  RunContext,
  RunEventBody,
  RunProgram,
  StepInfo,
  StepOptions,
} from '@modelhost/kernel';
import type { VirtualClock } from '../virtual-clock.ts';
import { tellsMailbox, tellsSecret } from './canaries.ts';
import type { World } from './world.ts';

/** The real ledger, with law L1 checked after every change. */
export function watchLedger(world: World, charges: Map<string, BudgetAmount>): BudgetLedger {
  const { ledger, facts } = world;

  function check(scope: string): void {
    const { limits, spent, held } = ledger.state(scope);
    const pairs: readonly (readonly [BudgetKind, number, number])[] = [
      ['tokens', spent.tokens + held.tokens, limits.tokensMax],
      ['cost', spent.costMicroUsd + held.costMicroUsd, limits.costMicroUsdMax],
      ['steps', spent.steps + held.steps, limits.stepsMax],
      ['tool_calls', spent.toolCalls + held.toolCalls, limits.toolCallsMax],
    ];
    for (const [budget, used, limit] of pairs) {
      if (used > limit) facts.violate('I2', `${used} of ${limit} ${budget}`);
    }
  }

  return {
    ...ledger,
    reserve: (scope, id, amount) => {
      const outcome = ledger.reserve(scope, id, amount);
      check(scope);
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
      charges.set(scope, spent);
      ledger.close(scope);
    },
  };
}

/** The program, with what its steps emit compared with what their results say that they emitted. */
export function watchProgram(
  world: World,
  program: RunProgram,
  signals: Set<AbortSignal>,
): RunProgram {
  return async (context, input) => {
    signals.add(context.signal);
    const watched: RunContext = {
      ...context,
      step: async (name, body, options) =>
        watchStep({ world, context, signals }, name, { body, options }),
      atMostOnce: async (name, body, options) =>
        watchOnce({ world, context, signals }, name, { body, options }),
    };
    return program(watched, input);
  };
}

interface Watch {
  readonly world: World;
  readonly context: RunContext;
  readonly signals: Set<AbortSignal>;
}

interface WatchedStep<T> {
  readonly body: (info: StepInfo) => Promise<T>;
  readonly options: StepOptions<T> | undefined;
}

async function watchStep<T>(watch: Watch, name: string, step: WatchedStep<T>): Promise<T> {
  const { body, check } = watchEvents(watch, name, step);
  return check(await watch.context.step(name, body, step.options));
}

async function watchOnce<T>(
  watch: Watch,
  name: string,
  step: WatchedStep<T>,
): Promise<AtMostOnce<T>> {
  const { body, check } = watchEvents(watch, name, step);
  const once = await watch.context.atMostOnce(name, body, step.options);
  return once.kind === 'done' ? { kind: 'done', value: check(once.value) } : once;
}

/** The body of a step, and the check that its result tells just what it emitted. */
function watchEvents<T>(
  { world, context, signals }: Watch,
  name: string,
  step: WatchedStep<T>,
): { readonly body: (info: StepInfo) => Promise<T>; readonly check: (result: T) => T } {
  const emitted: { readonly timeMs: number; readonly body: RunEventBody }[] = [];
  // A run that goes on from its journal has no body to take again.
  let isTaken = false;
  return {
    body: async (info) => {
      isTaken = true;
      const emit = (body: RunEventBody): number => {
        const timeMs = info.emit(body);
        emitted.push({ timeMs, body });
        return timeMs;
      };
      return step.body({ ...meet(world, info, { runId: context.runId, name, signals }), emit });
    },
    check: (result) => {
      const kept = JSON.stringify(result ?? null);
      if (tellsSecret(kept) || tellsMailbox(kept)) {
        world.facts.violate('I8', `the result of ${name} tells what is hidden`);
      }
      const told = step.options?.events?.(result) ?? [];
      if (isTaken && JSON.stringify(told) !== JSON.stringify(emitted)) {
        world.facts.violate('I20', `the result of ${name} does not tell what it emitted`);
      }
      return result;
    },
  };
}

function meet(
  world: World,
  info: StepInfo,
  step: { readonly runId: string; readonly name: string; readonly signals: Set<AbortSignal> },
): StepInfo {
  world.steps.set(info.idempotencyKey, { runId: step.runId, step: step.name });
  step.signals.add(info.signal);
  return info;
}

/** The clock of the engine, with a check that no timer outlives the runs. */
export function watchClock(
  world: World,
  isIdle: () => boolean,
): Clock & Pick<VirtualClock, 'turn'> {
  const { clock, facts } = world;
  return {
    now: () => clock.now(),
    turn: async () => clock.turn(),
    setTimer: (delayMs, callback) =>
      clock.setTimer(delayMs, () => {
        if (isIdle()) facts.violate('I15', 'a timer of the engine outlived the runs');
        callback();
      }),
  };
}
