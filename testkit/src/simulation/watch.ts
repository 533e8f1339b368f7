import type {
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
        context.atMostOnce(
          name,
          async (info) => body(meet(world, info, { runId: context.runId, name, signals })),
          options,
        ),
    };
    return program(watched, input);
  };
}

async function watchStep<T>(
  watch: {
    readonly world: World;
    readonly context: RunContext;
    readonly signals: Set<AbortSignal>;
  },
  name: string,
  step: {
    readonly body: (info: StepInfo) => Promise<T>;
    readonly options: StepOptions<T> | undefined;
  },
): Promise<T> {
  const { world, context, signals } = watch;
  const { runId } = context;
  const emitted: { readonly timeMs: number; readonly body: RunEventBody }[] = [];
  const result = await context.step(
    name,
    async (info) => {
      const emit = (body: RunEventBody): number => {
        const timeMs = info.emit(body);
        emitted.push({ timeMs, body });
        return timeMs;
      };
      return step.body({ ...meet(world, info, { runId, name, signals }), emit });
    },
    step.options,
  );
  const told = step.options?.events?.(result) ?? [];
  if (JSON.stringify(told) !== JSON.stringify(emitted)) {
    world.facts.violate('I20', `the result of ${name} does not tell the events that it emitted`);
  }
  return result;
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
export function watchClock(world: World, isIdle: () => boolean): Clock {
  const { clock, facts } = world;
  return {
    now: () => clock.now(),
    setTimer: (delayMs, callback) =>
      clock.setTimer(delayMs, () => {
        if (isIdle()) facts.violate('I15', 'a timer of the engine outlived the runs');
        callback();
      }),
  };
}
