import assert from 'node:assert/strict';
import { createAgentLoop } from '@modelhost/agent-core';
import type {
  RunEvent,
  RunEventBody,
  RunInput,
  RunResult,
  RunStatus,
  SignalPayload,
} from '@modelhost/kernel';
import { createRunInput } from '../run-input.ts';
import { createTestEngine } from '../test-engine.ts';
import { createVirtualClock } from '../virtual-clock.ts';
import { replayJournal, withJournal } from './journal.ts';
import type { Journal } from './journal.ts';
import { createOutside } from './outside.ts';
import type { Outside, OutsideOptions } from './outside.ts';

/** A run that was played to its end. */
export interface Played {
  readonly result: RunResult;
  readonly events: readonly RunEvent[];
  readonly outside: Outside;
  readonly input: RunInput;
  readonly journal: Journal;
}

/** What somebody does once an event is out. */
export type React = (body: RunEventBody, act: Act) => Promise<unknown> | undefined;
/** What can be done to a run. */
export interface Act {
  readonly signal: (name: string, payload: SignalPayload) => Promise<unknown>;
  readonly waitingFor: () => Promise<RunStatus['waitingFor']>;
  readonly cancel: () => Promise<unknown>;
  readonly pass: (delayMs: number) => Promise<unknown>;
  /** Resolves once nothing goes on without time or input. */
  readonly settle: () => Promise<unknown>;
  /** Kinds of what is on record by now. */
  readonly recorded: () => readonly string[];
}

/** Plays one run on the real engine, with virtual time that passes only when `react` lets it. */
export async function play(
  world: OutsideOptions,
  changes: Parameters<typeof createRunInput>[0] = {},
  react: React = () => undefined,
): Promise<Played> {
  const outside = createOutside(world);
  const clock = createVirtualClock();
  const journal: Journal = new Map();
  const program = withJournal(createAgentLoop(outside.ports), journal);
  const engine = await createTestEngine({ program, clock });
  const input = createRunInput(changes);
  await engine.start(input);
  const { tenant } = input.principal;
  const act: Act = {
    signal: async (name, payload) => engine.signal(tenant, input.runId, name, payload),
    waitingFor: async () => (await engine.status(tenant, input.runId))?.waitingFor ?? [],
    cancel: async () => engine.cancel(tenant, input.runId, 'tester'),
    settle: async () => clock.settle(),
    pass: async (delayMs) => clock.advance(delayMs),
    recorded: () => outside.records.map(({ kind }) => kind),
  };
  const events: RunEvent[] = [];
  const { signal } = new AbortController();
  for await (const event of engine.follow(tenant, input.runId, { afterSequence: 0, signal })) {
    events.push(event);
    const reaction = react(event.body, act);
    if (reaction === undefined) continue;
    await clock.settle();
    await reaction;
  }
  const { result } = (await engine.status(tenant, input.runId)) ?? {};
  assert.ok(result !== undefined);
  assert.equal(clock.pending(), 0);
  const replayed = await engine.replay(tenant, input.runId);
  assert.equal(JSON.stringify(replayed.events), JSON.stringify(events));
  assert.equal(replayed.digest, replayed.recordedDigest);
  await engine.close();
  return { result, events, outside, input, journal };
}

/** All events of one type. */
export function bodies<Type extends RunEventBody['type']>(
  played: Played,
  type: Type,
): Extract<RunEventBody, { type: Type }>[] {
  return played.events.flatMap(({ body }) =>
    // The type was compared.
    body.type === type ? [body as Extract<RunEventBody, { type: Type }>] : [],
  );
}

/** Law L12: from its journal alone the run gives the same events and the same result. */
export async function assertReplays(played: Played): Promise<void> {
  const { input, journal, events, result, outside } = played;
  const replayed = await replayJournal(input, journal, outside.ports.redactor.always);
  const told = events.flatMap(({ step, body }) =>
    body.type === 'run-finished' ? [] : [[step, body]],
  );
  assert.equal(JSON.stringify(replayed.events), JSON.stringify(told));
  assert.deepEqual(replayed.result, result);
}
