import assert from 'node:assert/strict';
import { toErrorData } from '@modelhost/kernel';
import type { SignalPayload } from '@modelhost/kernel';
import { createGate, rejection } from './workbench.ts';
import type { Rules } from './workbench.ts';

const yes: SignalPayload = { type: 'approval', approved: true, by: 'ann', roles: [], comment: '' };
const form = { type: 'object', properties: { name: { type: 'string' } } };
const given: SignalPayload = {
  type: 'tool-input',
  action: 'accept',
  content: { name: 'Ann' },
  by: 'ann',
};
const no: SignalPayload = {
  type: 'approval',
  approved: false,
  by: 'bob',
  roles: ['boss'],
  comment: 'never',
};

/** Answers from outside: buffered, taken once, waited for within bounds. */
export const signalRules: Rules = {
  'a signal reaches the run that waits for it': () => {
    const answers: unknown[] = [];
    return {
      program: async (run) => {
        answers.push(await run.waitForSignal('approval/1', { timeoutMs: 1_000, approvers: [] }));
      },
      check: async ({ engine, start, waiting, finished }) => {
        await start();
        await waiting(1);
        assert.deepEqual(await engine.signal('acme', 'run_1', 'approval/1', yes), {
          accepted: true,
        });
        await finished();
        assert.deepEqual(answers, [yes]);
      },
    };
  },

  'a signal that comes before the wait is kept for it': () => {
    const go = createGate();
    const answers: unknown[] = [];
    return {
      program: async (run) => {
        await go.promise;
        answers.push(await run.waitForSignal('approval/1', { timeoutMs: 1_000, approvers: [] }));
      },
      check: async ({ engine, start, finished }) => {
        await start();
        assert.equal((await engine.signal('acme', 'run_1', 'approval/1', yes)).accepted, true);
        go.open();
        await finished();
        assert.deepEqual(answers, [yes]);
      },
    };
  },

  'the first payload of a name counts, before, during and after the wait': () => {
    const answers: unknown[] = [];
    const go = createGate();
    return {
      program: async (run) => {
        const options = { timeoutMs: 1_000, approvers: [] };
        answers.push(
          await run.waitForSignal('early', options),
          await run.waitForSignal('late', options),
        );
        await go.promise;
      },
      check: async ({ engine, start, waiting, finished }) => {
        const send = async (name: string, payload: SignalPayload): Promise<boolean> =>
          (await engine.signal('acme', 'run_1', name, payload)).accepted;
        await start();
        await waiting(1);
        assert.deepEqual([await send('late', yes), await send('late', no)], [true, false]);
        assert.deepEqual([await send('early', no), await send('early', yes)], [true, false]);
        await waiting(0);
        assert.deepEqual([await send('late', no), await send('early', yes)], [false, false]);
        go.open();
        await finished();
        assert.deepEqual(answers, [no, yes]);
      },
    };
  },

  'a wait gives undefined exactly at its timeout, and an answer after that is refused': () => {
    const answers: unknown[] = [];
    const go = createGate();
    return {
      program: async (run) => {
        answers.push(await run.waitForSignal('approval/1', { timeoutMs: 700, approvers: [] }));
        await go.promise;
      },
      check: async ({ engine, start, waiting, finished, clock }) => {
        await start();
        await waiting(1);
        await clock.advance(699);
        assert.deepEqual(answers, []);
        await clock.advance(1);
        await waiting(0);
        assert.deepEqual(answers, [undefined]);
        assert.equal((await engine.signal('acme', 'run_1', 'approval/1', yes)).accepted, false);
        go.open();
        await finished();
      },
    };
  },

  'nobody can signal what is unknown, finished, stopped, or of another tenant': () => ({
    program: async (run) => {
      await run
        .waitForSignal('approval/1', { timeoutMs: 500, approvers: [] })
        .catch(() => undefined);
    },
    check: async ({ engine, start, waiting, finished, clock }) => {
      const send = async (tenant: string, runId: string): Promise<boolean> =>
        (await engine.signal(tenant, runId, 'approval/1', yes)).accepted;
      await start();
      await waiting(1);
      assert.equal(await send('acme', 'run_2'), false);
      assert.equal(await send('evil', 'run_1'), false);
      await clock.advance(500);
      await finished();
      assert.equal(await send('acme', 'run_1'), false);
      await start({ runId: 'run_3' });
      await engine.cancel('acme', 'run_3', 'ann');
      assert.equal(await send('acme', 'run_3'), false);
      await finished('run_3');
    },
  }),

  'signals that nobody waits for are bounded': () => {
    const go = createGate();
    return {
      program: async () => go.promise,
      check: async ({ engine, start, finished }) => {
        await start();
        for (let index = 0; index < 8; index += 1) {
          assert.equal((await engine.signal('acme', 'run_1', `s/${index}`, yes)).accepted, true);
        }
        const refusal = await rejection(engine.signal('acme', 'run_1', 's/8', yes));
        assert.equal(toErrorData(refusal).code, 'overloaded');
        go.open();
        await finished();
      },
    };
  },

  'the status shows what is waited for, and waiting means that nothing else is done': () => {
    const working = createGate();
    const go = createGate();
    return {
      program: async (run) => {
        await Promise.all([
          run.waitForSignal('approval/1', {
            timeoutMs: 9_000,
            approvers: ['boss'],
            refused: ['ann'],
          }),
          run.waitForSignal('tool-result/2', { timeoutMs: 9_000, approvers: [] }),
          run.waitForSignal('tool-input/3', { timeoutMs: 9_000, approvers: [], accepts: form }),
          run.step('work', async () => {
            working.open();
            await go.promise;
          }),
        ]);
      },
      check: async ({ engine, start, waiting, reaches, status, finished, clock }) => {
        await start();
        await working.promise;
        await waiting(3);
        const sinceMs = clock.now();
        assert.deepEqual((await status()).waitingFor, [
          { name: 'approval/1', sinceMs, approvers: ['boss'], refused: ['ann'] },
          { name: 'tool-result/2', sinceMs, approvers: [] },
          { name: 'tool-input/3', sinceMs, approvers: [], accepts: form },
        ]);
        assert.equal((await status()).state, 'running');
        go.open();
        await reaches('waiting');
        await engine.signal('acme', 'run_1', 'approval/1', yes);
        await engine.signal('acme', 'run_1', 'tool-input/3', given);
        await waiting(1);
        await reaches('waiting');
        await engine.signal('acme', 'run_1', 'tool-result/2', yes);
        assert.equal((await finished()).state, 'finished');
      },
    };
  },
};
