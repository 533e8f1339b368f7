import assert from 'node:assert/strict';
import { HostError, toErrorData } from '@modelhost/kernel';
import { aborted, createGate, done, rejection } from './workbench.ts';
import type { Rules } from './workbench.ts';

const cancelled = { type: 'cancelled', by: 'ann' } as const;
const noPatience = { timeoutMs: 20_000, approvers: [] };

/** Cancel, deadline, and what may still happen after them. */
export const stopRules: Rules = {
  'a cancel aborts the run and its steps with who cancelled': () => {
    const running = createGate();
    const reasons: unknown[] = [];
    return {
      program: async (run) => {
        reasons.push(
          await run.step('work', async (info) => {
            running.open();
            return aborted(info.signal);
          }),
          run.signal.reason,
        );
      },
      check: async ({ engine, start, finished }) => {
        await start();
        await running.promise;
        assert.equal(await engine.cancel('acme', 'run_1', 'ann'), true);
        await finished();
        assert.deepEqual(reasons, [cancelled, cancelled]);
      },
    };
  },

  'a run reaches its deadline exactly when its time is over': () => {
    const reason = createGate<unknown>();
    return {
      program: async (run) => reason.open(await aborted(run.signal)),
      check: async ({ start, finished, status, clock }) => {
        await start({ limits: { durationMsMax: 1_234 } });
        await clock.advance(1_233);
        assert.equal((await status()).state, 'running');
        await clock.advance(1);
        assert.deepEqual(await reason.promise, { type: 'deadline' });
        const { createdAtMs, finishedAtMs } = await finished();
        assert.equal(finishedAtMs, createdAtMs + 1_234);
      },
    };
  },

  'the first reason to stop counts': () => {
    const go = createGate();
    const reasons: unknown[] = [];
    return {
      program: async (run) => {
        await go.promise;
        reasons.push(run.signal.reason);
      },
      check: async ({ engine, start, finished, clock }) => {
        await start({ limits: { durationMsMax: 1_000 } });
        await engine.cancel('acme', 'run_1', 'ann');
        await engine.cancel('acme', 'run_1', 'bob');
        await clock.advance(1_000);
        go.open();
        await finished();
        assert.deepEqual(reasons, [cancelled]);
      },
    };
  },

  'after the stop steps and waits are refused with its reason, and their bodies never run': () => {
    let bodies = 0;
    const refusals: unknown[] = [];
    return {
      program: async (run) => {
        const body = async (): Promise<void> => {
          bodies += 1;
        };
        await aborted(run.signal);
        refusals.push(
          await rejection(run.step('one', body, { onLost: (attempts) => refusals.push(attempts) })),
          await rejection(run.atMostOnce('two', body)),
          await rejection(run.waitForSignal('three', noPatience)),
        );
      },
      check: async ({ engine, start, finished }) => {
        await start();
        await engine.cancel('acme', 'run_1', 'ann');
        assert.deepEqual((await finished()).result, done);
        assert.deepEqual(refusals, [cancelled, cancelled, cancelled]);
        assert.equal(bodies, 0);
      },
    };
  },

  'after the stop cleanup runs under a fresh signal, and the time may be read': () => {
    const seen: unknown[] = [];
    return {
      program: async (run) => {
        await aborted(run.signal);
        const options = { isCleanup: true };
        seen.push(await run.step('settle', async (info) => info.signal.aborted, options));
        run.emit('', { type: 'text-delta', text: String(await run.now('end')) });
      },
      check: async ({ engine, start, events, clock }) => {
        await start();
        await engine.cancel('acme', 'run_1', 'ann');
        const texts = (await events()).map(({ body }) => body.type === 'text-delta' && body.text);
        assert.deepEqual(texts, [String(clock.now()), false]);
        assert.deepEqual(seen, [false]);
      },
    };
  },

  'cleanup that is under way is not stopped, but bounded in time': () => {
    const running = createGate();
    const reasons: unknown[] = [];
    return {
      program: async (run) => {
        const body = async (info: { readonly signal: AbortSignal }): Promise<null> => {
          running.open();
          reasons.push(toErrorData(await aborted(info.signal)).code);
          return null;
        };
        await run.step('settle', body, { isCleanup: true });
      },
      check: async ({ engine, start, finished, clock }) => {
        await start();
        await running.promise;
        await engine.cancel('acme', 'run_1', 'ann');
        await clock.advance(999);
        assert.deepEqual(reasons, []);
        await clock.advance(1);
        await finished();
        assert.deepEqual(reasons, ['deadline_exceeded']);
      },
    };
  },

  'a wait ends with the reason of the stop': () => {
    const refusals: unknown[] = [];
    return {
      program: async (run) => {
        refusals.push(await rejection(run.waitForSignal('approval/1', noPatience)));
      },
      check: async ({ engine, start, waiting, finished }) => {
        await start();
        await waiting(1);
        await engine.cancel('acme', 'run_1', 'ann');
        assert.deepEqual((await finished()).waitingFor, []);
        assert.deepEqual(refusals, [cancelled]);
      },
    };
  },

  'a step that was running at the stop still gives its result': () => {
    const running = createGate();
    const go = createGate();
    const results: unknown[] = [];
    return {
      program: async (run) => {
        const body = async (): Promise<string> => {
          running.open();
          await go.promise;
          return 'it had happened already';
        };
        results.push(await run.atMostOnce('effect', body));
      },
      check: async ({ engine, start, finished }) => {
        await start();
        await running.promise;
        await engine.cancel('acme', 'run_1', 'ann');
        go.open();
        await finished();
        assert.deepEqual(results, [{ kind: 'done', value: 'it had happened already' }]);
      },
    };
  },

  'a step that ignores the stop is given up after the grace, and what it did is lost': () => {
    const running = createGate();
    const ends: unknown[] = [];
    return {
      program: async (run) => {
        const deaf = async (): Promise<never> => {
          running.open();
          return new Promise(() => {});
        };
        const onLost = (attempts: number): void => void ends.push(attempts);
        ends.push(await rejection(run.step('deaf', deaf, { onLost })));
      },
      check: async ({ engine, start, finished, clock }) => {
        await start();
        await running.promise;
        await engine.cancel('acme', 'run_1', 'ann');
        await clock.advance(500);
        assert.deepEqual((await finished()).result, done);
        assert.deepEqual(ends, [1, cancelled]);
      },
    };
  },

  'a program that ignores the stop is ended by the engine as internal, and cannot go on': () => {
    const later = createGate<unknown>();
    const go = createGate();
    return {
      program: async (run) => {
        await go.promise;
        run.emit('', { type: 'text-delta', text: 'too late' });
        later.open(await rejection(run.step('later', async () => 1, { isCleanup: true })));
      },
      check: async ({ engine, start, events, finished, clock }) => {
        await start({ limits: { durationMsMax: 1_000 } });
        await clock.advance(3_000);
        // A second stop gives it no more time.
        await engine.cancel('acme', 'run_1', 'ann');
        await clock.advance(3_000);
        const { result, finishedAtMs, createdAtMs } = await finished();
        assert.ok(result.ending.reason === 'failed');
        assert.equal(result.ending.error.code, 'internal');
        assert.equal(finishedAtMs, createdAtMs + 6_000);
        assert.equal(engine.runsInFlight(), 0);
        go.open();
        assert.ok((await later.promise) instanceof HostError);
        assert.equal((await events()).length, 1);
      },
    };
  },

  'nobody can cancel what is unknown, finished, or of another tenant': () => {
    const go = createGate();
    return {
      program: async (run) => {
        await go.promise;
        assert.equal(run.signal.aborted, false);
      },
      check: async ({ engine, start, finished }) => {
        await start();
        assert.equal(await engine.cancel('acme', 'run_2', 'ann'), false);
        assert.equal(await engine.cancel('evil', 'run_1', 'ann'), false);
        go.open();
        assert.deepEqual((await finished()).result, done);
        assert.equal(await engine.cancel('acme', 'run_1', 'ann'), false);
      },
    };
  },
};
