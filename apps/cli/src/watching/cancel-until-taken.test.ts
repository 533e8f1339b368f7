import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModelHostError } from '@modelhost/sdk';
import { cancelUntilTaken } from './cancel-until-taken.ts';

function refusal(code: string, grpcStatus: string): ModelHostError {
  const facts = { reason: 'disk_full' };
  return new ModelHostError('there is no room left', {
    code,
    grpcStatus,
    facts,
    violations: [],
    retryAfterMs: undefined,
  });
}

/** Asks with hosts that answer in this order. */
async function ask(answers: readonly (Error | 'taken')[], controller = new AbortController()) {
  const said: string[] = [];
  const waits: number[] = [];
  let asked = 0;
  const taken = await cancelUntilTaken({
    runId: 'run_1',
    cancel: async () => {
      const answer = answers[asked];
      asked += 1;
      if (asked === answers.length && answer !== 'taken') controller.abort();
      if (answer instanceof Error) throw answer;
    },
    say: (text) => said.push(text),
    wait: async (waitMs) => {
      waits.push(waitMs);
    },
    signal: controller.signal,
  });
  return { taken, asked, said, waits };
}

test('a cancel that a host cannot take now is asked for again until it is taken, and that is said once', async () => {
  const full = refusal('storage_unavailable', 'UNAVAILABLE');
  const { taken, asked, said, waits } = await ask([full, full, full, full, full, full, 'taken']);
  assert.deepEqual([taken, asked], [true, 7]);
  assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 5_000, 5_000]);
  assert.equal(said.length, 1);
  assert.match(
    said[0] ?? '',
    /run_1 is not cancelled yet, and may go on; asking again until it is$/,
  );
});

test('what a host refuses for good is not asked for again', async () => {
  const { taken, asked, said } = await ask([
    refusal('permission_denied', 'PERMISSION_DENIED'),
    'taken',
  ]);
  assert.deepEqual([taken, asked], [false, 1]);
  assert.match(said[0] ?? '', /may go on; `model-host runs cancel run_1`$/);
});

test('nothing is asked for once the run is over', async () => {
  const full = refusal('storage_unavailable', 'UNAVAILABLE');
  const { taken, asked } = await ask([full, full]);
  assert.deepEqual([taken, asked], [false, 2]);
});
