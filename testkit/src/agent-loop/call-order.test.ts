import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createAgentLoop, createCallLedger } from '@modelhost/agent-core';
import type { PolicyRequest, RunProgram } from '@modelhost/kernel';
import fc from 'fast-check';
import { createRunInput } from '../run-input.ts';
import { createTestEngine } from '../test-engine.ts';
import { createVirtualClock } from '../virtual-clock.ts';
import type { GivenDecision } from './decision.ts';
import { createOutside, createTool, textAnswer } from './outside.ts';
import type { OutsideOptions } from './outside.ts';
import { bodies, play } from './play.ts';

const pay = { ...createTool('desk__pay', 'irreversible'), summedArguments: ['amount'] };
const tools = [pay, createTool('desk__read', 'none')];

/** How a call and its decision are drawn: whether it is allowed otherwise, and how long both take. */
const call = fc.record({
  amount: fc.nat(9),
  isBarred: fc.boolean(),
  decisionTurns: fc.nat(4),
  callTurns: fc.nat(6),
});
type Drawn = typeof call extends fc.Arbitrary<infer Each> ? Each : never;

async function dawdle(turns: number): Promise<void> {
  for (let passed = 0; passed < turns; passed += 1) await Promise.resolve();
}

/** A turn with these calls, under a rule that sees what was called before. */
function worldOf(
  calls: readonly Drawn[],
  rule: (request: PolicyRequest) => boolean,
): OutsideOptions {
  const drawnOf = (values: { readonly [name: string]: unknown }): Drawn | undefined =>
    calls[Number(values['index'])];
  return {
    turns: [
      {
        calls: calls.map(({ amount }, index) => ['desk__pay', JSON.stringify({ amount, index })]),
      },
      { text: 'done' },
    ],
    tools,
    decide: async (request): Promise<GivenDecision> => {
      if (request.resource.type !== 'tool') return { effect: 'allow' };
      const drawn = drawnOf(request.resource.arguments);
      await dawdle(drawn?.decisionTurns ?? 0);
      const isAllowed = drawn?.isBarred === false && rule(request);
      return { effect: isAllowed ? 'allow' : 'deny' };
    },
    callTool: async (invocation) => {
      await dawdle(drawnOf(invocation.arguments)?.callTurns ?? 0);
      return textAnswer('paid');
    },
  };
}

suite('calls of a turn', () => {
  test('see those that were allowed before them, in their order, whatever runs beside them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { minLength: 1, maxLength: 8 }),
        fc.nat(6),
        fc.integer({ min: 1, max: 5 }),
        async (calls, n, toolCallsInFlightMax) => {
          const rule = ({ context }: PolicyRequest): boolean => context.history.callsOfTool < n;
          const played = await play(worldOf(calls, rule), {
            agentChanges: { toolCallsInFlightMax },
          });
          let allowed = 0;
          const expected = calls.map(({ isBarred }) => {
            if (isBarred || allowed >= n) return 'denied';
            allowed += 1;
            return 'ok';
          });
          const ids = bodies(played, 'tool-requested').map(({ callId }) => callId);
          const outcomes = ids.map(
            (id) => bodies(played, 'tool-finished').find(({ callId }) => callId === id)?.outcome,
          );
          assert.deepEqual(outcomes, expected);
          assert.equal(played.outside.calls.length, allowed);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('are decided in their order also where the engine brings them up in another one', async () => {
    const plain = { isBarred: false, decisionTurns: 0, callTurns: 0 };
    const calls = [3, 2, 1].map((amount) => ({ amount, ...plain }));
    const { ports, questions } = createOutside(worldOf(calls, () => true));
    const loop = createAgentLoop(ports);
    // The first call is the last to get its time from the journal.
    const late: RunProgram = async (context, input) =>
      loop(
        {
          ...context,
          now: async (name) => {
            if (name === 'turn-1/tool-1/start') await dawdle(200);
            return context.now(name);
          },
        },
        input,
      );
    const engine = await createTestEngine({ program: late, clock: createVirtualClock() });
    await engine.start(createRunInput({}));
    const { signal } = new AbortController();
    await Array.fromAsync(engine.follow('acme', 'run_1', { afterSequence: 0, signal }));
    await engine.close();
    const amounts = questions.flatMap(({ resource }) =>
      resource.type === 'tool' ? [resource.arguments['amount']] : [],
    );
    assert.deepEqual(amounts, [3, 2, 1]);
  });

  test('never add up to more than a rule on their sum lets through', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(call, { minLength: 1, maxLength: 8 }),
        fc.nat(30),
        async (calls, max) => {
          const rule = ({ context }: PolicyRequest): boolean =>
            (context.history.sums['amount']?.run ?? Infinity) <= max;
          const played = await play(worldOf(calls, rule));
          let sum = 0;
          for (const { amount, isBarred } of calls) {
            if (!isBarred && sum + amount <= max) sum += amount;
          }
          const paid = played.outside.calls.reduce(
            (total, { arguments: { amount } }) => total + Number(amount),
            0,
          );
          assert.equal(paid, sum);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('go on when one before them is held, barred or no call at all', async () => {
    const held = {
      calls: [
        ['desk__pay', '{}'],
        ['desk__none', '{}'],
        ['desk__read', '{}'],
      ],
    };
    const played = await play(
      {
        turns: [held as { calls: [string, string][] }, { text: 'done' }],
        tools,
        decide: ({ resource, context }) =>
          resource.type === 'tool' && resource.tool === pay && context.approval === undefined
            ? { effect: 'hold' }
            : { effect: 'allow' },
      },
      { agentChanges: { toolCallsInFlightMax: 3 } },
      (body, act) => {
        // The held call is answered only once the last one is finished.
        if (body.type !== 'tool-finished' || body.tool !== 'desk__read') return undefined;
        return (async () => {
          const name = (await act.waitingFor())[0]?.name ?? '';
          const vote = { by: 'bob', roles: [], comment: '', approved: true } as const;
          await act.signal(name, { type: 'approval', ...vote });
        })();
      },
    );
    assert.deepEqual(
      bodies(played, 'tool-finished').map(({ tool, outcome }) => [tool, outcome]),
      [
        ['desk__none', 'failed'],
        ['desk__read', 'ok'],
        ['desk__pay', 'ok'],
      ],
    );
    const last = played.outside.questions.findLast(({ action }) => action === 'CallTool');
    assert.deepEqual(last?.context.history.toolsUsed, ['desk__read']);
  });

  test('count across the runs of a principal, and approved ones are told apart', async () => {
    const calls = createCallLedger();
    const history = async () => {
      const played = await play({
        turns: [{ calls: [['desk__pay', '{"amount":4}']] }, { text: 'done' }],
        tools,
        calls,
      });
      const asked = played.outside.questions.find(({ action }) => action === 'CallTool');
      return asked?.context.history;
    };
    const first = await history();
    assert.deepEqual([first?.callsLastDay, first?.sums], [0, { amount: { run: 4, day: 4 } }]);
    const second = await history();
    assert.deepEqual([second?.callsOfTool, second?.callsLastHour], [0, 1]);
    assert.deepEqual(second?.sums, { amount: { run: 4, day: 8 } });
  });
});
