import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { HostError, toErrorData } from '@modelhost/kernel';
import type { RunEvent, RunEventBody } from '@modelhost/kernel';
import { collect, createGate, done, rejection } from './workbench.ts';
import type { Rules } from './workbench.ts';

/** The public stream of a run. */
export const eventRules: Rules = {
  'events are numbered from 1 without a gap, carry step and time, and end with the result': () => ({
    program: async (run) => {
      run.emit('', delta('a'));
      await run.waitForSignal('pause', { timeoutMs: 40, approvers: [] });
      await run.step('talk', async (info) => info.emit(delta('b')));
    },
    check: async ({ start, waiting, events, finished, clock }) => {
      const startMs = clock.now();
      await start();
      await waiting(1);
      await clock.advance(40);
      const timeMs = startMs + 40;
      assert.deepEqual(await events(), [
        { sequence: 1, timeMs: startMs, step: '', body: delta('a') },
        { sequence: 2, timeMs, step: 'talk', body: delta('b') },
        { sequence: 3, timeMs, step: '', body: { type: 'run-finished', result: done } },
      ]);
      assert.equal((await finished()).lastSequence, 3);
    },
  }),

  'from any cursor, live or later, followers see the same events': () => {
    const go = createGate();
    return {
      program: async (run) => {
        if (run.runId !== 'run_1') return;
        for (let index = 0; index < 20; index += 1) {
          run.emit('', delta(String(index)));
          if (index === 10) await go.promise;
          await run.now(`now-${index}`);
        }
      },
      check: async ({ engine, start, events }) => {
        await start();
        const { signal } = new AbortController();
        for await (const { sequence } of engine.follow('acme', 'run_1', {
          afterSequence: 0,
          signal,
        })) {
          if (sequence === 10) break;
        }
        const cursors = [0, 1, 7, 10];
        const live = cursors.map(async (cursor) => collect(engine, 'run_1', cursor));
        go.open();
        const all = await events();
        assert.deepEqual(
          all.map(({ sequence }) => sequence),
          Array.from({ length: 21 }, (_, index) => index + 1),
        );
        for (const [index, cursor] of cursors.entries()) {
          assert.deepEqual(await live[index], all.slice(cursor));
        }
        for (const cursor of [...cursors, 15, 20, 21]) {
          assert.deepEqual(await collect(engine, 'run_1', cursor), all.slice(cursor));
        }
      },
    };
  },

  'a cursor beyond the newest event is refused, with where the run is': () => {
    const go = createGate();
    return {
      program: async (run) => {
        run.emit('', delta('x'));
        await run.now('now');
        await go.promise;
      },
      check: async ({ engine, start, finished }) => {
        await start();
        const refuse = async (cursor: number, lastSequence: number): Promise<void> => {
          const { code, facts } = toErrorData(await rejection(collect(engine, 'run_1', cursor)));
          assert.equal(code, 'failed_precondition');
          assert.deepEqual(facts, {
            run_id: 'run_1',
            after_sequence: String(cursor),
            last_sequence: String(lastSequence),
          });
        };
        const { signal } = new AbortController();
        for await (const event of engine.follow('acme', 'run_1', { afterSequence: 0, signal })) {
          if (event.sequence === 1) await Promise.all([refuse(2, 1), refuse(1_000_000, 1)]);
          go.open();
        }
        await finished();
        await refuse(3, 2);
        assert.deepEqual(await collect(engine, 'run_1', 2), []);
      },
    };
  },

  'a follower gets an event as soon as it is there': () => {
    const gates = [createGate(), createGate()];
    return {
      program: async (run) => {
        run.emit('', delta('one'));
        await gates[0]?.promise;
        run.emit('', delta('two'));
        await gates[1]?.promise;
      },
      check: async ({ engine, start, finished }) => {
        await start();
        const { signal } = new AbortController();
        const options = { afterSequence: 0, signal };
        const follower = engine.follow('acme', 'run_1', options)[Symbol.asyncIterator]();
        assert.equal((await follower.next()).value?.sequence, 1);
        const second = follower.next();
        gates[0]?.open();
        assert.equal((await second).value?.sequence, 2);
        gates[1]?.open();
        await finished();
        assert.equal((await follower.next()).value?.sequence, 3);
        assert.equal((await follower.next()).done, true);
      },
    };
  },

  'who needs events that are no longer kept is told once which, by number and by bytes': () => ({
    bounds: { eventsMax: 10, eventsBytesMax: 20_000 },
    program: async (run) => {
      const text = run.runId === 'run_many' ? 'x' : 'x'.repeat(5_000);
      for (let index = 0; index < 30; index += 1) {
        run.emit('', delta(text));
        // What is told between two steps is kept or dropped as a whole.
        await run.step(`step-${index}`, async () => null);
      }
    },
    check: async ({ engine, start, finished }) => {
      for (const [runId, keptMax] of [['run_many', 11] as const, ['run_big', 4] as const]) {
        await start({ runId });
        await finished(runId);
        const [dropped, ...kept] = await collect(engine, runId, 0);
        assert.ok(dropped?.body.type === 'events-dropped');
        assert.equal(dropped.body.fromSequence, 1);
        assert.equal(dropped.body.toSequence, dropped.sequence);
        assert.ok(kept.length <= keptMax);
        assertFollowOn(dropped.sequence, kept, 31);
        assert.deepEqual(await collect(engine, runId, dropped.sequence), kept);
        const [later] = await collect(engine, runId, 3);
        assert.ok(later?.body.type === 'events-dropped');
        assert.equal(later.body.fromSequence, 4);
      }
    },
  }),

  'a slow follower never misses an event silently': () => {
    const go = createGate();
    return {
      bounds: { eventsMax: 10 },
      program: async (run) => {
        run.emit('', delta('first'));
        await go.promise;
        for (let index = 0; index < 30; index += 1) {
          run.emit('', delta('x'));
          await run.step(`step-${index}`, async () => null);
        }
      },
      check: async ({ engine, start, finished }) => {
        await start();
        const { signal } = new AbortController();
        const seen: RunEvent[] = [];
        for await (const event of engine.follow('acme', 'run_1', { afterSequence: 0, signal })) {
          seen.push(event);
          go.open();
          await finished();
        }
        const [first, dropped, ...rest] = seen;
        assert.equal(first?.sequence, 1);
        assert.ok(dropped?.body.type === 'events-dropped');
        assert.equal(dropped.body.fromSequence, 2);
        assertFollowOn(dropped.body.toSequence, rest, 32);
      },
    };
  },

  'a follower leaves when its signal aborts, with the reason, and leaves nothing behind': () => {
    const go = createGate();
    return {
      program: async () => go.promise,
      check: async ({ engine, start, finished }) => {
        await start();
        const controller = new AbortController();
        const { signal } = controller;
        const follow = async (): Promise<unknown> =>
          Array.fromAsync(engine.follow('acme', 'run_1', { afterSequence: 0, signal }));
        const following = rejection(follow());
        const reason = new HostError('cancelled', 'the client went away');
        controller.abort(reason);
        assert.equal(await following, reason);
        assert.equal(await rejection(follow()), reason);
        assert.equal(getEventListeners(signal, 'abort').length, 0);
        go.open();
        await finished();
      },
    };
  },

  'followers of a run are bounded, and one that leaves makes room': () => {
    const go = createGate();
    return {
      bounds: { followersMax: 2 },
      program: async (run) => {
        run.emit('', delta('x'));
        await go.promise;
      },
      check: async ({ engine, start, finished }) => {
        await start();
        const follow = (): AsyncIterator<RunEvent> => {
          const { signal } = new AbortController();
          const events = engine.follow('acme', 'run_1', { afterSequence: 0, signal });
          return events[Symbol.asyncIterator]();
        };
        const [first, second] = [follow(), follow()];
        await first.next();
        await second.next();
        const refusal = toErrorData(await rejection(follow().next()));
        assert.equal(refusal.code, 'overloaded');
        assert.ok((refusal.retryAfterMs ?? 0) > 0);
        await first.return?.();
        assert.equal((await follow().next()).value?.sequence, 1);
        go.open();
        await finished();
      },
    };
  },
};

/** Everything after a sequence up to the end of the run is there. */
function assertFollowOn(
  afterSequence: number,
  events: readonly RunEvent[],
  lastSequence: number,
): void {
  assert.deepEqual(
    events.map(({ sequence }) => sequence),
    Array.from({ length: lastSequence - afterSequence }, (_, index) => afterSequence + 1 + index),
  );
  assert.equal(events.at(-1)?.body.type, 'run-finished');
}

function delta(text: string): RunEventBody {
  return { type: 'text-delta', text };
}
