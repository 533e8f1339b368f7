import { suite, test } from 'node:test';
import type {
  EventLog,
  RunContext,
  RunEngine,
  RunEvent,
  RunInput,
  RunProgram,
  RunResult,
  RunState,
  RunStatus,
} from '@modelhost/kernel';
import { createRunInput } from '../run-input.ts';
import { eventually } from '../turn.ts';
import { createVirtualClock } from '../virtual-clock.ts';
import type { VirtualClock } from '../virtual-clock.ts';

/** The bounds that every engine has; the tests set them low where they are what is tested. */
export interface ConformanceBounds {
  readonly runsInFlightMax: number;
  readonly finishedRunsMax: number;
  readonly eventsMax: number;
  readonly eventsBytesMax: number;
  readonly followersMax: number;
  readonly stepNamesMax: number;
  readonly signalsBufferedMax: number;
  readonly abortGraceMs: number;
  readonly cleanupTimeoutMs: number;
  readonly stopTimeoutMs: number;
}

/** An engine that a test uses alone and closes. */
export type EngineUnderTest = RunEngine & EventLog & { close(): Promise<void> };

/** Makes a new, empty engine that takes time from the clock and from nothing else. */
export type MakeEngine = (options: {
  readonly program: RunProgram;
  readonly clock: VirtualClock;
  readonly bounds: ConformanceBounds;
}) => EngineUnderTest | Promise<EngineUnderTest>;

/** What one test works with. */
export interface Workbench {
  readonly engine: EngineUnderTest;
  readonly clock: VirtualClock;
  readonly start: (changes?: Parameters<typeof createRunInput>[0]) => Promise<RunInput>;
  /** Every event from the first to `run-finished`. */
  readonly events: (runId?: string) => Promise<readonly RunEvent[]>;
  /** The status of a run of the tenant `acme`, once it is finished. */
  readonly finished: (runId?: string) => Promise<RunStatus & { readonly result: RunResult }>;
  readonly status: (runId?: string) => Promise<RunStatus>;
  /** Resolves when the run has this state. */
  readonly reaches: (state: RunState, runId?: string) => Promise<void>;
  /** Resolves when the run waits for so many signals. */
  readonly waiting: (count: number, runId?: string) => Promise<void>;
}

/** High enough for whatever is not tested just then. */
export const defaultBounds: ConformanceBounds = {
  runsInFlightMax: 50,
  finishedRunsMax: 50,
  eventsMax: 1_000,
  eventsBytesMax: 1_000_000,
  followersMax: 20,
  stepNamesMax: 200,
  signalsBufferedMax: 8,
  abortGraceMs: 500,
  cleanupTimeoutMs: 1_000,
  stopTimeoutMs: 5_000,
};

export const done: RunResult = {
  ending: { reason: 'completed', answer: 'done' },
  statistics: {
    modelCalls: 1,
    toolCalls: 0,
    toolCallsDenied: 0,
    approvals: 0,
    inputTokens: 7,
    outputTokens: 5,
    costMicroUsd: 3,
    tokensOverrun: 0,
    durationMs: 0,
  },
};

/** The body of a rule: what the run does, and what the test then does to it. */
export interface Rule {
  readonly program: (context: RunContext, input: RunInput) => Promise<RunResult | void>;
  readonly bounds?: Partial<ConformanceBounds>;
  readonly check: (bench: Workbench) => Promise<void>;
}

/** The rules of one part of the port, by the sentence that each proves. */
export type Rules = Readonly<Record<string, () => Rule>>;

/** Registers each rule as one test with an engine of its own. */
export function registerRules(part: string, rules: Rules, makeEngine: MakeEngine): void {
  suite(part, () => {
    for (const [sentence, makeRule] of Object.entries(rules)) {
      test(sentence, async () => {
        const { program, bounds: changes, check } = makeRule();
        const clock = createVirtualClock();
        const engine = await makeEngine({
          program: async (context, input) => (await program(context, input)) ?? done,
          clock,
          bounds: { ...defaultBounds, ...changes },
        });
        try {
          await check(createWorkbench(engine, clock));
        } finally {
          const closed = engine.close();
          // Closing stops what a test left running, and that may take as long as the bounds allow.
          await clock.advance(10 * defaultBounds.stopTimeoutMs);
          await closed;
        }
      });
    }
  });
}

function createWorkbench(engine: EngineUnderTest, clock: VirtualClock): Workbench {
  const tenant = 'acme';

  async function status(runId = 'run_1'): Promise<RunStatus> {
    const found = await engine.status(tenant, runId);
    if (found === undefined) throw new Error(`there is no run ${runId}`);
    return found;
  }

  return {
    engine,
    clock,
    status,
    start: async (changes = {}) => {
      const input = createRunInput(changes);
      await engine.start(input);
      return input;
    },
    events: async (runId = 'run_1') => collect(engine, runId, 0),
    finished: async (runId = 'run_1') => {
      await eventually(
        async () => (await status(runId)).state === 'finished',
        `the end of ${runId}`,
      );
      const { result, ...rest } = await status(runId);
      if (result === undefined) throw new Error(`${runId} is finished without a result`);
      return { ...rest, result };
    },
    reaches: async (state, runId) =>
      eventually(async () => (await status(runId)).state === state, `the state ${state}`),
    waiting: async (count, runId) =>
      eventually(async () => (await status(runId)).waitingFor.length === count, `${count} waits`),
  };
}

/** Every event after a sequence until the end of the run. */
export async function collect(
  engine: EngineUnderTest,
  runId: string,
  afterSequence: number,
): Promise<readonly RunEvent[]> {
  const { signal } = new AbortController();
  return Array.fromAsync(engine.follow('acme', runId, { afterSequence, signal }));
}

/** Something that a program does and a test waits for. */
export interface Gate<T> {
  readonly promise: Promise<T>;
  readonly open: (value: T) => void;
}

/** Opens once. */
export function createGate<T = void>(): Gate<T> {
  const { promise, resolve } = Promise.withResolvers<T>();
  return { promise, open: resolve };
}

/** Resolves when the signal aborts. */
export async function aborted(signal: AbortSignal): Promise<unknown> {
  if (!signal.aborted) {
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
  return signal.reason;
}

/** The error as data, of work that must fail. */
export async function rejection(work: Promise<unknown>): Promise<unknown> {
  try {
    await work;
  } catch (thrown) {
    return thrown;
  }
  throw new Error('it was not refused');
}
