import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import fc from 'fast-check';
import { HostError, sha256Hex, toErrorData } from '@modelhost/kernel';
import type { RunContext, RunEvent } from '@modelhost/kernel';
import { aborted, createGate, done, rejection } from './workbench.ts';
import type { Rules, Workbench } from './workbench.ts';

/** What a step gives, how often it runs and how its errors come out. */
export const stepRules: Rules = {
  'a step gives its result and runs once, under a key made of run id and step name': () => {
    const seen: unknown[] = [];
    return {
      program: async (run) => {
        const value = await run.step('one', async ({ idempotencyKey, attempt, signal }) => {
          seen.push({ idempotencyKey, attempt, isAborted: signal.aborted });
          return { answer: [1, 'two', null] };
        });
        seen.push(value, await run.atMostOnce('two', async () => 2));
      },
      check: async ({ start, finished }) => {
        await start();
        assert.deepEqual((await finished()).result, done);
        const idempotencyKey = sha256Hex('run_1\0one');
        assert.deepEqual(seen, [
          { idempotencyKey, attempt: 1, isAborted: false },
          { answer: [1, 'two', null] },
          { kind: 'done', value: 2 },
        ]);
      },
    };
  },

  'any JSON value comes back as it was': () => {
    const values = fc.sample(fc.jsonValue({ maxDepth: 5 }), { numRuns: 100, seed: 1 });
    const back: unknown[] = [];
    return {
      program: async (run) => {
        for (const [index, value] of values.entries()) {
          back.push(await run.step(`step-${index}`, async () => value));
        }
      },
      check: async ({ start, finished }) => {
        await start();
        await finished();
        assert.equal(JSON.stringify(back), JSON.stringify(values));
      },
    };
  },

  'a result that is not JSON ends the run as internal': () => {
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    const values = [1n, Number.NaN, new Date(0), new Map(), () => 1, [undefined], cyclic];
    return {
      program: async (run) => {
        await run.step('odd', async () => values[Number(run.runId.slice(4))]);
      },
      check: async (bench) => {
        for (const index of values.keys()) {
          const runId = `run_${index}`;
          await bench.start({ runId });
          await assertBroken(bench, runId);
        }
      },
    };
  },

  'a second use of a name ends the run as internal, even when the program goes on': () => {
    const uses: Readonly<Record<string, (context: RunContext) => Promise<unknown>>> = {
      run_step: async (run) => run.step('twice', async () => 1),
      run_once: async (run) => run.atMostOnce('twice', async () => 1),
      run_now: async (run) => run.now('twice'),
      run_wait: async (run) => run.waitForSignal('twice', { timeoutMs: 1_000, approvers: [] }),
      run_cleanup: async (run) => run.step('twice', async () => 1, { isCleanup: true }),
    };
    const laterSteps: unknown[] = [];
    return {
      program: async (context) => {
        await context.step('twice', async () => 1);
        await uses[context.runId]?.(context).catch(() => undefined);
        laterSteps.push(await rejection(context.step('later', async () => 1)));
      },
      check: async (bench) => {
        for (const runId of Object.keys(uses)) {
          await bench.start({ runId });
          await assertBroken(bench, runId);
        }
        assert.deepEqual(
          laterSteps.map((thrown) => toErrorData(thrown).code),
          Object.keys(uses).map(() => 'internal'),
        );
      },
    };
  },

  'a run with more names than the bound ends as internal': () => ({
    bounds: { stepNamesMax: 3 },
    program: async (run) => {
      for (let index = 0; index < 4; index += 1) await run.now(`now-${index}`);
    },
    check: async (bench) => {
      await bench.start();
      await assertBroken(bench, 'run_1');
    },
  }),

  'an error of a body comes out with code, message and facts, and the run goes on': () => {
    const errors: unknown[] = [];
    return {
      program: async (run) => {
        const facts = { tool: 'desk__read' };
        const known = new HostError('mcp_timeout', 'too slow', { facts, retryAfterMs: 5 });
        errors.push(await rejection(run.step('one', async () => Promise.reject(known))));
        errors.push(
          await rejection(run.atMostOnce('two', async () => Promise.reject(new Error('x')))),
        );
      },
      check: async ({ start, finished }) => {
        await start();
        assert.deepEqual((await finished()).result, done);
        assert.deepEqual(errors.map(toErrorData), [
          {
            code: 'mcp_timeout',
            message: 'too slow',
            facts: { tool: 'desk__read' },
            retryAfterMs: 5,
          },
          { code: 'internal', message: 'internal fault of the host', facts: {} },
        ]);
      },
    };
  },

  'steps run side by side, and the journaled time is that of the clock': () => {
    const order: string[] = [];
    const gate = createGate();
    return {
      program: async (run) => {
        await Promise.all([
          run.step('first', async () => {
            await gate.promise;
            order.push('first');
          }),
          run.step('second', async () => {
            order.push('second');
            gate.open();
          }),
        ]);
        order.push(String(await run.now('end')));
      },
      check: async ({ start, finished, clock }) => {
        await start();
        await finished();
        assert.deepEqual(order, ['second', 'first', String(clock.now())]);
      },
    };
  },

  'a step past its timeout is aborted with deadline_exceeded, and what it then gives still counts':
    () => {
      const running = createGate();
      const results: unknown[] = [];
      return {
        program: async (run) => {
          const body = async (info: { readonly signal: AbortSignal }): Promise<unknown> => {
            running.open();
            return toErrorData(await aborted(info.signal));
          };
          results.push(await run.step('slow', body, { timeoutMs: 250 }), run.signal.aborted);
        },
        check: async ({ start, finished, clock }) => {
          await start();
          await running.promise;
          await clock.advance(249);
          assert.deepEqual(results, []);
          await clock.advance(1);
          assert.deepEqual((await finished()).result, done);
          const [error, isRunAborted] = results;
          assert.partialDeepStrictEqual(error, {
            code: 'deadline_exceeded',
            facts: { step: 'slow', timeout_ms: '250' },
          });
          assert.equal(isRunAborted, false);
        },
      };
    },

  'a body that ignores its abort is given up after the grace; at most once, its outcome is unknown':
    () => {
      const running = createGate();
      const results: unknown[] = [];
      return {
        program: async (run) => {
          const deaf = async (): Promise<never> => {
            running.open();
            return new Promise(() => {});
          };
          const options = { timeoutMs: 100 };
          const ends = await Promise.all([
            rejection(run.step('deaf', deaf, options)),
            run.atMostOnce('deaf-once', deaf, options),
          ]);
          results.push(toErrorData(ends[0]).code, ends[1]);
        },
        check: async ({ start, finished, clock }) => {
          await start();
          await running.promise;
          await clock.advance(599);
          assert.deepEqual(results, []);
          await clock.advance(1);
          assert.deepEqual((await finished()).result, done);
          assert.deepEqual(results, ['deadline_exceeded', { kind: 'unknown' }]);
        },
      };
    },

  'a body emits under the name of its step while it runs, and nothing after its end': () => {
    let late: (() => void) | undefined;
    return {
      program: async (run) => {
        run.emit('', { type: 'text-delta', text: 'a' });
        await run.step('talk', async (info) => {
          info.emit({ type: 'text-delta', text: 'b' });
          late = () => info.emit({ type: 'text-delta', text: 'too late' });
        });
        late?.();
        run.emit('talk', { type: 'text-delta', text: 'c' });
      },
      check: async ({ start, events }) => {
        await start();
        assert.deepEqual(deltas(await events()), [
          ['', 'a'],
          ['talk', 'b'],
          ['talk', 'c'],
        ]);
      },
    };
  },

  'steps and waits leave no listener on the signals of run and step': () => {
    const left: number[] = [];
    return {
      program: async (run) => {
        await run.step('one', async (info) => left.push(listeners(info.signal)));
        await run.waitForSignal('nobody', { timeoutMs: 10, approvers: [] });
        left.push(listeners(run.signal));
      },
      check: async ({ start, waiting, finished, clock }) => {
        await start();
        await waiting(1);
        await clock.advance(10);
        await finished();
        assert.deepEqual(left, [0, 0]);
      },
    };
  },

  'a program that throws ends the run as internal, and nothing of the cause is shown': () => ({
    program: async () => Promise.reject(new Error('secret of the host')),
    check: async (bench) => {
      await bench.start();
      await assertBroken(bench, 'run_1');
      assert.doesNotMatch(JSON.stringify(await bench.events()), /secret/);
    },
  }),

  'a program that leaves a step behind ends the run as internal and the step is aborted': () => {
    const left = createGate<unknown>();
    return {
      program: async (run) => {
        void run
          .step('left', async ({ signal }) => left.open(await aborted(signal)))
          .catch(() => {});
      },
      check: async (bench) => {
        await bench.start();
        await assertBroken(bench, 'run_1');
        assert.ok((await left.promise) instanceof HostError);
      },
    };
  },

  'only the engine ends a run: a program that emits run-finished is broken': () => ({
    program: async (run) => run.emit('', { type: 'run-finished', result: done }),
    check: async (bench) => {
      await bench.start();
      await assertBroken(bench, 'run_1');
    },
  }),
};

function listeners(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length;
}

function deltas(events: readonly RunEvent[]): readonly (readonly [string, string])[] {
  return events.flatMap(({ step, body }) =>
    body.type === 'text-delta' ? [[step, body.text] as const] : [],
  );
}

/** The run ended as `failed(internal)`, with exactly one terminal event that says so. */
async function assertBroken(bench: Workbench, runId: string): Promise<void> {
  const { result } = await bench.finished(runId);
  assert.ok(result.ending.reason === 'failed');
  assert.equal(result.ending.error.code, 'internal');
  const ends = (await bench.events(runId)).filter(({ body }) => body.type === 'run-finished');
  assert.deepEqual(
    ends.map(({ body }) => body),
    [{ type: 'run-finished', result }],
  );
}
