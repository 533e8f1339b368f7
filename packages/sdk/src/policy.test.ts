import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModelHostClient } from './client.ts';
import { ModelHostError } from './error.ts';
import { createStandIn } from './fixtures/stand-in.ts';

test('policy is asked over the same connection, and an answer without its report is an error', async () => {
  const asked: unknown[] = [];
  await using host = await createStandIn({
    unary: {
      listDecisions: ({ request }) => {
        asked.push(request);
        return { nextPageToken: 'next' };
      },
      checkPolicy: () => ({ problems: [{ file: 'a.cedar', line: 3 }] }),
      eraseDecisions: () => ({ erased: 2n }),
    },
  });
  const client = createModelHostClient({ address: `127.0.0.1:${host.port}` });
  try {
    assert.equal((await client.listDecisions({ pageSize: 7 })).nextPageToken, 'next');
    assert.partialDeepStrictEqual(asked, [{ pageSize: 7 }]);
    const [problem] = await client.checkPolicy([{ name: 'a.cedar', text: 'x' }]);
    assert.deepEqual([problem?.file, problem?.line], ['a.cedar', 3]);
    assert.equal(await client.eraseDecisions('ann'), 2n);
    await assert.rejects(client.replayDecisions(new Uint8Array(), { sinceMs: 0 }), ModelHostError);
    await client.explainDecision({ about: { case: 'decisionId', value: 'd' } });
    await client.activateBundle(new Uint8Array(1));
    await client.getPolicyStatus();
  } finally {
    client.close();
  }
  assert.deepEqual(host.calls, [
    'listDecisions',
    'checkPolicy',
    'eraseDecisions',
    'replayDecisions',
    'explainDecision',
    'activateBundle',
    'getPolicyStatus',
  ]);
});
