import assert from 'node:assert/strict';
import { plainLabels, toErrorData } from '@modelhost/kernel';
import type { ErrorData, RunState } from '@modelhost/kernel';
import { createRunInput } from '../run-input.ts';
import { aborted, createGate, done, rejection } from './workbench.ts';
import type { EngineUnderTest, Rules } from './workbench.ts';

/** Starting, finding and listing runs, and draining them. */
export const runRules: Rules = {
  'the same run id with the same input starts one run, with another input it is refused': () => {
    let programs = 0;
    return {
      program: async () => {
        programs += 1;
      },
      check: async ({ engine, finished }) => {
        const input = createRunInput({ metadata: { a: '1', b: '2' } });
        const reordered = createRunInput({ metadata: { b: '2', a: '1' } });
        assert.deepEqual(await engine.start(input), { created: true });
        assert.deepEqual(await engine.start(reordered), { created: false });
        // Labels are what policy said the first time, not what was asked for.
        const labelled = { ...input, labels: { ...plainLabels, compartments: ['pii'] } };
        assert.deepEqual(await engine.start(labelled), { created: false });
        await finished();
        assert.deepEqual(await engine.start(input), { created: false });
        const others = [
          createRunInput({}),
          createRunInput({ metadata: input.metadata, tenant: 'evil' }),
        ];
        for (const other of others) {
          assert.equal((await refusal(engine.start(other))).code, 'request_conflict');
        }
        assert.equal(programs, 1);
      },
    };
  },

  'of a session only the id makes two inputs different, and its status tells it': () => ({
    program: async () => {},
    check: async ({ engine, finished }) => {
      const session = { sessionId: 'ses_1', rootId: 'ses_1', labels: plainLabels, turn: 1 };
      const input = createRunInput({ session });
      assert.deepEqual(await engine.start(input), { created: true });
      assert.equal((await finished()).sessionId, 'ses_1');
      // By now another run may have left a turn in it.
      const history = [{ role: 'assistant', content: 'said', toolCalls: [] }] as const;
      const later = createRunInput({ session: { ...session, turn: 2 }, history });
      assert.deepEqual(await engine.start(later), { created: false });
      const other = createRunInput({ session: { ...session, sessionId: 'ses_2' } });
      assert.equal((await refusal(engine.start(other))).code, 'request_conflict');
    },
  }),

  'where the digest of a request is given, it alone makes two inputs the same': () => ({
    program: async () => {},
    check: async ({ engine }) => {
      const input = createRunInput({ requestDigest: 'one' });
      assert.deepEqual(await engine.start(input), { created: true });
      const hidden = { ...input, metadata: { what: 'was hidden' } };
      assert.deepEqual(await engine.start(hidden), { created: false });
      const other = { ...input, requestDigest: 'another' };
      assert.equal((await refusal(engine.start(other))).code, 'request_conflict');
    },
  }),

  'runs in flight are bounded, and a finished one makes room': () => {
    const go = createGate();
    return {
      bounds: { runsInFlightMax: 2 },
      program: async () => go.promise,
      check: async ({ engine, start, finished }) => {
        await start({ runId: 'run_1' });
        await start({ runId: 'run_2' });
        const refused = await refusal(engine.start(createRunInput({ runId: 'run_3' })));
        assert.equal(refused.code, 'overloaded');
        assert.ok((refused.retryAfterMs ?? 0) > 0);
        assert.equal(await engine.status('acme', 'run_3'), undefined);
        go.open();
        await finished('run_1');
        await finished('run_2');
        await start({ runId: 'run_3' });
        assert.equal((await finished('run_3')).state, 'finished');
      },
    };
  },

  'a status tells who started what, when, and how it ended': () => ({
    program: async (run) => {
      await run.step('work', async () => 1);
    },
    check: async ({ start, finished, clock }) => {
      const { principal, metadata } = await start({ metadata: { case: '7' } });
      assert.deepEqual(await finished(), {
        runId: 'run_1',
        principal,
        agent: 'tester',
        agentVersion: '1',
        metadata,
        state: 'finished',
        createdAtMs: clock.now(),
        finishedAtMs: clock.now(),
        lastSequence: 1,
        waitingFor: [],
        result: done,
      });
    },
  }),

  'pages go from the newest run to the oldest, each run once, while others start': () => ({
    program: async () => {},
    check: async ({ engine, start }) => {
      for (let index = 1; index <= 5; index += 1) await start({ runId: `run_${index}` });
      const first = await engine.list('acme', { pageSize: 2 });
      await start({ runId: 'run_6' });
      const rest = await pagesAfter(engine, first.nextPageToken);
      assert.deepEqual(
        [first.runs.map(({ runId }) => runId), ...rest],
        [['run_5', 'run_4'], ['run_3', 'run_2'], ['run_1']],
      );
    },
  }),

  'a page token that is none of ours is refused': () => ({
    program: async () => {},
    check: async ({ engine }) => {
      const list = async (): Promise<unknown> =>
        engine.list('acme', { pageSize: 2, pageToken: 'nonsense' });
      assert.equal((await refusal(list())).code, 'validation_failed');
    },
  }),

  'runs can be listed by state': () => ({
    program: async (run) => {
      if (run.runId === 'run_waiting')
        await run.waitForSignal('x', { timeoutMs: 9_000, approvers: [] });
      if (run.runId === 'run_running') await run.step('work', async () => new Promise(() => {}));
    },
    check: async ({ engine, start, waiting, finished }) => {
      for (const state of ['waiting', 'running', 'finished'])
        await start({ runId: `run_${state}` });
      await waiting(1, 'run_waiting');
      await finished('run_finished');
      const states: readonly RunState[] = ['waiting', 'running', 'finished'];
      for (const state of states) {
        const { runs, nextPageToken } = await engine.list('acme', { state, pageSize: 1 });
        assert.deepEqual(
          runs.map(({ runId }) => runId),
          [`run_${state}`],
        );
        assert.equal(nextPageToken, undefined);
      }
    },
  }),

  'for another tenant a run is not there': () => ({
    program: async () => {},
    check: async ({ engine, start, finished }) => {
      await start();
      await finished();
      await start({ runId: 'run_evil', tenant: 'evil' });
      assert.equal(await engine.status('evil', 'run_1'), undefined);
      const { runs } = await engine.list('evil', { pageSize: 9 });
      assert.deepEqual(
        runs.map(({ runId }) => runId),
        ['run_evil'],
      );
      const { signal } = new AbortController();
      const follow = async (runId: string): Promise<unknown> =>
        Array.fromAsync(engine.follow('evil', runId, { afterSequence: 0, signal }));
      const [foreign, absent] = [await refusal(follow('run_1')), await refusal(follow('run_2'))];
      assert.deepEqual([foreign.code, absent.code], ['not_found', 'not_found']);
      assert.equal(foreign.message.replace('run_1', 'run_2'), absent.message);
    },
  }),

  'of too many finished runs the oldest are forgotten': () => ({
    bounds: { finishedRunsMax: 2 },
    program: async () => {},
    check: async ({ engine, start, finished }) => {
      for (let index = 1; index <= 4; index += 1) {
        await start({ runId: `run_${index}` });
        await finished(`run_${index}`);
      }
      const { runs } = await engine.list('acme', { pageSize: 9 });
      assert.deepEqual(
        runs.map(({ runId }) => runId),
        ['run_4', 'run_3'],
      );
      assert.equal(await engine.status('acme', 'run_1'), undefined);
    },
  }),

  'a drain takes no new run and waits for those in flight': () => {
    const go = createGate();
    return {
      program: async () => go.promise,
      check: async ({ engine, start, finished }) => {
        const input = await start();
        const drained = engine.drain(5_000);
        assert.equal(
          (await refusal(engine.start(createRunInput({ runId: 'run_2' })))).code,
          'draining',
        );
        assert.deepEqual(await engine.start(input), { created: false });
        go.open();
        assert.deepEqual(await drained, { interrupted: 0 });
        assert.deepEqual((await finished()).result, done);
        assert.equal(engine.runsInFlight(), 0);
      },
    };
  },

  'a drain interrupts what still works after its timeout, says how much, and ends none of it':
    () => ({
      program: async (run) => {
        const body = async ({ signal }: { readonly signal: AbortSignal }): Promise<null> => {
          await aborted(signal);
          return null;
        };
        if (run.runId !== 'run_0') await run.step('work', body);
      },
      check: async ({ engine, start, finished, clock }) => {
        for (const runId of ['run_0', 'run_1', 'run_2']) await start({ runId });
        await finished('run_0');
        const drained = engine.drain(5_000);
        await clock.advance(4_999);
        assert.equal(engine.runsInFlight(), 2);
        await clock.advance(1);
        assert.deepEqual(await drained, { interrupted: 2 });
        assert.equal(engine.runsInFlight(), 0);
        for (const runId of ['run_1', 'run_2']) {
          assert.equal((await engine.status('acme', runId))?.state, 'running');
        }
      },
    }),

  'a drain leaves alone what only waits': () => ({
    program: async (run) => {
      await run.waitForSignal('approval/1', { timeoutMs: 50_000, approvers: [] });
    },
    check: async ({ engine, start, waiting, status, clock }) => {
      await start();
      await waiting(1);
      const drained = engine.drain(5_000);
      await clock.advance(1);
      assert.deepEqual(await drained, { interrupted: 0 });
      assert.equal(engine.runsInFlight(), 0);
      assert.equal((await status()).state, 'waiting');
      await assert.rejects(engine.start(createRunInput({ runId: 'run_2' })), { code: 'draining' });
    },
  }),

  'a drain with nothing in flight is over at once': () => ({
    program: async () => {},
    check: async ({ engine }) => {
      assert.deepEqual(await engine.drain(5_000), { interrupted: 0 });
    },
  }),
};

async function refusal(work: Promise<unknown>): Promise<ErrorData> {
  return toErrorData(await rejection(work));
}

async function pagesAfter(
  engine: EngineUnderTest,
  token: string | undefined,
): Promise<readonly (readonly string[])[]> {
  if (token === undefined) return [];
  const { runs, nextPageToken } = await engine.list('acme', { pageSize: 2, pageToken: token });
  return [runs.map(({ runId }) => runId), ...(await pagesAfter(engine, nextPageToken))];
}
