import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { test } from 'node:test';
import type { JsonObject } from '@modelhost/kernel';
import fc from 'fast-check';
import { asking, connect, elicit, settle } from './fixtures/legacy-client.ts';
import { readRpcMessage } from './rpc-message.ts';

const methods =
  'ping tools/list tools/call resources/subscribe logging/setLevel initialize made/up ' +
  'prompts/get completion/complete resources/read';

test('whatever a client sends, each message is done with once and each request answered once', async () => {
  const id = fc.constantFrom<string | number>(1, 2, '1', 'host-1', 'host-2');
  const method = fc.constantFrom(...methods.split(' '));
  const params = fc.record(
    {
      name: fc.constantFrom('ask', 'none', 7),
      uri: fc.constantFrom('test://thing', 1),
      level: fc.constantFrom('info', null),
      arguments: fc.constantFrom({}, 'text', null),
      _meta: fc.constantFrom({ progressToken: 1 }, {}, 'text'),
      inputResponses: fc.constantFrom({}, { a: { action: 'accept' } }, 5),
      requestState: fc.constantFrom('forged', 3),
    },
    { requiredKeys: [] },
  );
  const message: fc.Arbitrary<JsonObject> = fc.oneof(
    fc.record({ jsonrpc: fc.constant('2.0'), id, method, params }),
    fc.record({ jsonrpc: fc.constant('2.0'), id, result: fc.constant({ action: 'decline' }) }),
    fc.record({
      jsonrpc: fc.constant('2.0'),
      method: fc.constant('notifications/cancelled'),
      params: fc.record({ requestId: id }),
    }),
  );
  const run = fc.asyncProperty(fc.array(message, { maxLength: 12 }), async (messages) => {
    const client = connect(
      { ask: asking({ a: elicit }) },
      { capabilities: { elicitation: {} }, bounds: { requestsInFlightMax: 3 } },
    );
    const ends = messages.map(() => 0);
    const answers = messages.map(() => 0);
    for (const [at, sent] of messages.entries()) {
      const read = readRpcMessage(sent);
      assert.ok(read !== undefined);
      client.session.receive(read, {
        send: (told) => {
          assert.equal(ends[at], 0, 'nothing comes after the end');
          if (told['method'] === undefined) {
            answers[at] = (answers[at] ?? 0) + 1;
            assert.equal(told['id'], sent['id']);
          }
        },
        end: () => {
          ends[at] = (ends[at] ?? 0) + 1;
        },
      });
      await setImmediate();
    }
    await settle();
    client.session.close();
    await settle();
    assert.deepEqual(
      ends,
      messages.map(() => 1),
    );
    const most = messages.map((sent) =>
      sent['method'] !== undefined && sent['id'] !== undefined ? 1 : 0,
    );
    for (const [at, count] of answers.entries()) assert.ok(count <= (most[at] ?? 0));
    assert.deepEqual([client.session.requestsInFlight(), client.clock.timers()], [0, 0]);
    assert.deepEqual([client.relay.watched.size, client.relay.listeners()], [0, 0]);
  });
  await fc.assert(run, { numRuns: 100 });
});
