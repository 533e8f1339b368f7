import { createAgentLoop, createBudgetLedger } from '@modelhost/agent-core';
import type { AgentLoopPorts } from '@modelhost/agent-core';
import { createJsonSchemas } from '@modelhost/json-schema';
import { createHostRedactor } from '@modelhost/redaction';
import type {
  AtMostOnce,
  RedactionStyles,
  RunContext,
  RunEventBody,
  RunInput,
  RunProgram,
  RunResult,
  SignalPayload,
  StepInfo,
  StepOptions,
} from '@modelhost/kernel';

/** What a program was given back by its engine, by step name, as the JSON text that a journal would keep. */
export type Journal = Map<string, string>;

/** The program, with everything that the engine gives back to it written down. */
export function withJournal(program: RunProgram, journal: Journal): RunProgram {
  return async (context, input) => {
    async function keep<T>(name: string, work: Promise<T>): Promise<T> {
      const value = await work;
      journal.set(name, JSON.stringify(value ?? null));
      return value;
    }
    return program(
      {
        ...context,
        now: async (name) => keep(name, context.now(name)),
        step: async (name, ...rest) => keep(name, context.step(name, ...rest)),
        atMostOnce: async (name, ...rest) => keep(name, context.atMostOnce(name, ...rest)),
        waitForSignal: async (name, options) => keep(name, context.waitForSignal(name, options)),
      },
      input,
    );
  };
}

/** What a run sees that goes on from a journal: steps that are in it are not taken again, the others are, and get into it. */
export function resumingContext(runId: string, journal: Journal): RunContext {
  const { signal } = new AbortController();

  async function take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const known = journal.get(name);
    // What stands under a name was written from just what is asked for under it.
    if (known !== undefined) return JSON.parse(known) as T;
    const value = await work();
    journal.set(name, JSON.stringify(value ?? null));
    return value;
  }

  function infoOf(name: string): StepInfo {
    return { idempotencyKey: name, signal, attempt: 1, emit: () => 0, now: () => 0 };
  }

  return {
    runId,
    signal,
    now: async (name) => take(name, async () => 0),
    step: async (name, body) => take(name, async () => body(infoOf(name))),
    atMostOnce: async <T>(name: string, body: (info: StepInfo) => Promise<T>) =>
      take(name, async (): Promise<AtMostOnce<T>> => ({
        kind: 'done',
        value: await body(infoOf(name)),
      })),
    waitForSignal: async (name) => take(name, async () => undefined),
    sleepUntil: async () => {},
    emit: () => {},
  };
}

/** Runs the loop once more from its journal alone: no body runs, and no port but schemas and budgets is there. */
export async function replayJournal(
  input: RunInput,
  journal: Journal,
  always: RedactionStyles,
): Promise<{
  readonly result: RunResult;
  readonly events: readonly (readonly [step: string, body: RunEventBody])[];
}> {
  const events: (readonly [string, RunEventBody])[] = [];
  const emit: RunContext['emit'] = (step, body) => void events.push([step, body]);

  function read(name: string): unknown {
    const text = journal.get(name);
    if (text === undefined) throw new Error(`the journal has no ${name}`);
    return JSON.parse(text);
  }

  function tell<T>(name: string, options: StepOptions<T> | undefined, value: T): T {
    for (const { body } of options?.events?.(value) ?? []) emit(name, body);
    return value;
  }

  const context: RunContext = {
    runId: input.runId,
    signal: new AbortController().signal,
    // What stands under a name was written from just what is asked for under it.
    now: async (name) => read(name) as number,
    step: async <T>(name: string, _body: unknown, options?: StepOptions<T>) =>
      tell(name, options, read(name) as T),
    atMostOnce: async <T>(name: string, _body: unknown, options?: StepOptions<T>) => {
      const once = read(name) as AtMostOnce<T>;
      if (once.kind === 'done') tell(name, options, once.value);
      return once;
    },
    waitForSignal: async (name) => (read(name) as SignalPayload | null) ?? undefined,
    sleepUntil: async () => {},
    emit,
  };
  const result = await createAgentLoop(createAbsentPorts(always))(context, input);
  return { result, events };
}

/** Ports of which nothing may be used but what works without the world outside. */
export function createAbsentPorts(always: RedactionStyles): AgentLoopPorts {
  // Touching any member throws, whatever it is.
  const absent = new Proxy(
    {},
    {
      get: (_target, name) => {
        throw new Error(`${String(name)} was used`);
      },
    },
  ) as never;
  return {
    // The loop looks whether its provider is there; it must not ask it.
    providers: new Map([['fake', absent]]),
    tools: absent,
    schemas: createJsonSchemas(),
    policy: absent,
    audit: absent,
    keys: absent,
    // What is in the journal needs no key.
    redactor: createHostRedactor({ always, keys: absent }),
    budgets: createBudgetLedger(),
    calls: absent,
  };
}
