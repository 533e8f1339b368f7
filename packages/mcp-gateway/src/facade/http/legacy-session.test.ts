import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import { createManualClock } from '../../fixtures/manual-clock.ts';
import type { InputRequest, RelayCatalogue } from '../../relay.ts';
import { createFakeRelay, fullUri, textResult } from './fixtures/fake-relay.ts';
import { rpc } from './fixtures/http-client.ts';
import { asking, clientInfo, connect, elicit, settle } from './fixtures/legacy-client.ts';
import type { Client } from './fixtures/legacy-client.ts';
import { createTestCore } from './fixtures/open-facade.ts';
import { createLegacySession } from './legacy-session.ts';
import { readRpcMessage } from './rpc-message.ts';

function call(id: string | number, name: string, params: JsonObject = {}): JsonObject {
  return rpc(id, 'tools/call', { name, arguments: {}, ...params });
}

function membersOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function errorCodeOf(message: JsonObject | null | undefined): unknown {
  return membersOf(message?.['error'])['code'];
}

function textOf(message: JsonObject | null | undefined): string {
  const result = message?.['result'] as { readonly content: readonly { readonly text: string }[] };
  return result.content[0]?.text ?? '';
}

const visit: InputRequest = {
  method: 'elicitation/create',
  params: { mode: 'url', message: 'Go', url: 'https://example.com', elicitationId: 'e' },
};
const sample: InputRequest = {
  method: 'sampling/createMessage',
  params: { messages: [], maxTokens: 10 },
};
const roots: InputRequest = { method: 'roots/list', params: {} };

suite('a session before 2026-07-28', () => {
  test('the handshake agrees on a version that both know', async () => {
    const versions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05', '1999-01-01'];
    const agreed: unknown[] = [];
    for (const protocolVersion of [...versions, '2026-07-28']) {
      const client = connect({}, { isNew: true });
      const params = { protocolVersion, capabilities: {}, clientInfo };
      const [reply] = await client.ask(rpc(1, 'initialize', params));
      agreed.push(membersOf(reply?.['result'])['protocolVersion']);
      assert.equal(client.session.version(), agreed.at(-1));
    }
    assert.deepEqual(agreed, [...versions.slice(0, 4), '2025-11-25', '2025-11-25']);
  });

  test('a fault within the handshake is its answer, and it can be tried again', async () => {
    const clock = createManualClock();
    const relay = createFakeRelay({});
    let isBroken = true;
    const catalogue = (tenant: string): RelayCatalogue =>
      isBroken ? assert.fail('a fault of ours') : relay.catalogue(tenant);
    const session = createLegacySession({
      core: createTestCore({ ...relay, catalogue }, clock),
      principal: { tenant: 'acme', subject: 'ann', roles: [] },
      clock,
      send: () => {},
    });
    const codes: unknown[] = [];
    for (const id of [1, 2]) {
      const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
      const message = readRpcMessage(rpc(id, 'initialize', params)) ?? assert.fail();
      session.receive(message, { send: (sent) => codes.push(errorCodeOf(sent)), end: () => {} });
      await settle();
      isBroken = false;
    }
    assert.deepEqual(codes, [-32_603, undefined]);
    assert.deepEqual([session.version(), session.requestsInFlight()], ['2025-11-25', 0]);
    assert.equal(relay.listeners(), 1);
    session.close();
  });

  test('nothing but ping comes before the handshake, and it comes once', async () => {
    const client = connect({}, { isNew: true });
    assert.equal(errorCodeOf((await client.ask(rpc(1, 'tools/list')))[0]), -32_600);
    assert.deepEqual((await client.ask(rpc(2, 'ping')))[0]?.['result'], {});
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo };
    assert.equal(errorCodeOf((await client.ask(rpc(3, 'initialize', {})))[0]), -32_602);
    assert.equal(errorCodeOf((await client.ask(rpc(4, 'initialize', params)))[0]), undefined);
    assert.equal(errorCodeOf((await client.ask(rpc(5, 'initialize', params)))[0]), -32_600);
  });

  test('what only newer protocols have is no method here', async () => {
    const client = connect({});
    for (const method of ['server/discover', 'subscriptions/listen', 'tasks/get', 'made/up']) {
      assert.equal(errorCodeOf((await client.ask(rpc(1, method)))[0]), -32_601, method);
    }
  });

  test('progress and logs come before the answer, with the token and from the level that was set', async () => {
    const levels: unknown[] = [];
    const client = connect({
      work: (_values, { onProgress, onLog, logLevel }) => {
        levels.push(logLevel);
        onProgress?.({ progress: 1, message: 'half' });
        onLog?.({ level: 'error', data: 'oh' });
        return textResult('done');
      },
    });
    const told = await client.ask(call(7, 'work', { _meta: { progressToken: 'p' } }));
    assert.deepEqual(
      told.map((message) => message?.['method'] ?? message?.['id'] ?? message),
      ['notifications/progress', 'notifications/message', 7, null],
    );
    assert.deepEqual(told[0]?.['params'], { progress: 1, message: 'half', progressToken: 'p' });
    assert.equal((await client.ask(rpc(8, 'logging/setLevel', { level: 'debug' })))[0]?.['id'], 8);
    assert.equal(
      errorCodeOf((await client.ask(rpc(9, 'logging/setLevel', { level: 'loud' })))[0]),
      -32_602,
    );
    const quiet = await client.ask(call(10, 'work'));
    assert.equal(quiet.filter((message) => message?.['method'] !== undefined).length, 1);
    assert.deepEqual(levels, ['info', 'debug']);
  });

  test('what a tool asks for is asked of the client, all at once, and the call goes on', async () => {
    const client = connect(
      { ask: asking({ a: elicit, b: sample, c: roots }) },
      { capabilities: { elicitation: {}, sampling: {}, roots: {} } },
    );
    const asked = await client.ask(call(1, 'ask'));
    assert.deepEqual(
      asked.map((message) => message?.['method']),
      ['elicitation/create', 'sampling/createMessage', 'roots/list'],
    );
    assert.deepEqual(asked[0]?.['params'], elicit.params);
    const answers = [
      { action: 'accept', content: { name: 'ann' }, extra: 1 },
      { role: 'assistant', content: { type: 'text', text: 'hi' }, model: 'm' },
      { roots: [{ uri: 'file:///x' }] },
    ];
    // In another order than they were asked.
    for (const at of [2, 0, 1]) {
      client.tell({ jsonrpc: '2.0', id: asked[at]?.['id'] ?? '', result: answers[at] ?? {} });
    }
    await settle();
    const last = client.got.at(-2);
    const [a, b, c] = answers;
    assert.deepEqual(JSON.parse(textOf(last)), { a, b, c });
  });

  test('a client is not asked for what it did not declare', async () => {
    for (const request of [elicit, visit, sample, roots]) {
      const client = connect({ ask: asking({ a: request }) });
      const told = await client.ask(call(1, 'ask'));
      assert.deepEqual(told.map(errorCodeOf), [-32_021, undefined], request.method);
    }
  });

  test('a question that the client refuses has a stand-in, but for a completion', async () => {
    const capabilities = { elicitation: {}, sampling: {}, roots: {} };
    const error = { code: -1, message: 'User rejected' };
    const answerTo = async (request: InputRequest): Promise<JsonObject | null | undefined> => {
      const client = connect({ ask: asking({ a: request }) }, { capabilities });
      const [question] = await client.ask(call(1, 'ask'));
      client.tell({ jsonrpc: '2.0', id: question?.['id'] ?? '', error });
      await settle();
      return client.got.at(-2);
    };
    assert.deepEqual(JSON.parse(textOf(await answerTo(elicit))), { a: { action: 'cancel' } });
    assert.deepEqual(JSON.parse(textOf(await answerTo(roots))), { a: { roots: [] } });
    assert.deepEqual((await answerTo(sample))?.['error'], error);
  });

  test('one completion that is refused takes the other questions back', async () => {
    const capabilities = { elicitation: {}, sampling: {} };
    const client = connect({ ask: asking({ a: elicit, b: sample }) }, { capabilities });
    const [question, completion] = await client.ask(call(1, 'ask'));
    const error = { code: -1, message: 'User rejected' };
    client.tell({ jsonrpc: '2.0', id: completion?.['id'] ?? '', error });
    await settle();
    const [, , , taken, answer, end] = client.got;
    assert.deepEqual(membersOf(taken?.['params'])['requestId'], question?.['id']);
    assert.deepEqual([answer?.['error'], end], [error, null]);
  });

  test('a client that does not answer is waited for only so long', async () => {
    const client = connect(
      { ask: asking({ a: elicit }) },
      { capabilities: { elicitation: {} }, bounds: { inputTimeoutMs: 1_000 } },
    );
    const [asked] = await client.ask(call(1, 'ask'));
    client.clock.advance(1_000);
    await settle();
    assert.deepEqual(
      client.got.slice(1).map((message) => message?.['method'] ?? message?.['id'] ?? message),
      ['notifications/cancelled', 1, null],
    );
    assert.equal(membersOf(client.got[1]?.['params'])['requestId'], asked?.['id']);
    // Too late: nobody waits for it.
    client.tell({ jsonrpc: '2.0', id: asked?.['id'] ?? '', result: { action: 'accept' } });
    assert.equal(client.clock.timers(), 0);
    // The call went on without it.
    assert.deepEqual(client.relay.abandoned, []);
  });

  test('a call that asks again and again comes to an end', async () => {
    const client = connect(
      { ask: () => ({ kind: 'input-required', inputRequests: { r: roots }, requestState: 's' }) },
      { capabilities: { roots: {} }, bounds: { inputRoundsMax: 3 } },
    );
    client.tell(call(1, 'ask'));
    for (let round = 0; round < 3; round += 1) {
      await settle();
      const question = client.got.findLast((message) => message?.['method'] === 'roots/list');
      client.tell({ jsonrpc: '2.0', id: question?.['id'] ?? '', result: { roots: [] } });
    }
    await settle();
    assert.equal(errorCodeOf(client.got.at(-2)), -32_603);
    assert.deepEqual(client.relay.abandoned, ['s']);
  });

  test('the upstream hears of a question that its client will not answer, however that comes', async () => {
    const ways: Readonly<Record<string, (client: Client, question: JsonObject) => void>> = {
      refused: (client, { id = '' }) =>
        client.tell({ jsonrpc: '2.0', id, error: { code: -1, message: 'no' } }),
      late: (client) => client.clock.advance(300_000),
      cancelled: (client) =>
        client.tell({
          jsonrpc: '2.0',
          method: 'notifications/cancelled',
          params: { requestId: 1 },
        }),
      ended: (client) => client.session.close(),
    };
    for (const [name, end] of Object.entries(ways)) {
      const client = connect(
        { ask: asking({ a: sample }) },
        { capabilities: { sampling: {}, elicitation: {} } },
      );
      const [question] = await client.ask(call(1, 'ask'));
      assert.deepEqual(client.relay.abandoned, [], name);
      end(client, question ?? {});
      await settle();
      assert.deepEqual(client.relay.abandoned, ['state-1'], name);
    }
    const lacking = connect({ ask: asking({ a: sample }) });
    await lacking.ask(call(1, 'ask'));
    assert.deepEqual(lacking.relay.abandoned, ['state-1']);
  });

  test('to cancel a call aborts it, takes its question back, and leaves the others alone', async () => {
    const aborted: unknown[] = [];
    const client = connect(
      {
        ask: asking({ a: elicit }),
        wait: (values, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => {
              aborted.push(values['as']);
              reject(signal.reason);
            });
          }),
      },
      { capabilities: { elicitation: {} } },
    );
    client.tell(call(1, 'wait', { arguments: { as: 'number' } }));
    client.tell(call('1', 'wait', { arguments: { as: 'text' } }));
    client.tell(call(2, 'ask'));
    await settle();
    const cancelled = { jsonrpc: '2.0', method: 'notifications/cancelled' };
    const ended = await client.ask({ ...cancelled, params: { requestId: '1' } });
    assert.deepEqual([aborted, ended], [['text'], [null, null]]);
    const taken = await client.ask({ ...cancelled, params: { requestId: 2 } });
    assert.deepEqual(
      taken.map((message) => message?.['method'] ?? message),
      ['notifications/cancelled', null, null],
    );
    assert.equal(client.session.requestsInFlight(), 1);
    client.tell({ ...cancelled, params: { requestId: 'unknown' } });
    client.session.close();
    await settle();
    assert.deepEqual(aborted, ['text', 'number']);
    assert.equal(client.session.requestsInFlight(), 0);
  });

  test('an id in use and a call too many are refused', async () => {
    const client = connect(
      { wait: () => new Promise(() => undefined) },
      { bounds: { requestsInFlightMax: 2 } },
    );
    client.tell(call(1, 'wait'));
    assert.equal(errorCodeOf((await client.ask(call(1, 'wait')))[0]), -32_600);
    client.tell(call(2, 'wait'));
    assert.equal(errorCodeOf((await client.ask(call(3, 'wait')))[0]), -32_603);
    assert.equal(client.session.requestsInFlight(), 2);
  });

  test('a question beyond those that already wait for the client fails its own call only', async () => {
    const client = connect(
      { ask: asking({ a: elicit }) },
      { capabilities: { elicitation: {} }, bounds: { liveRequestsMax: 1 } },
    );
    const [question] = await client.ask(call(1, 'ask'));
    const refused = await client.ask(call(2, 'ask'));
    assert.equal(errorCodeOf(refused[0]), -32_603);
    assert.match(JSON.stringify(refused[0]), /"code":"overloaded"/);
    const answers = await client.ask({
      jsonrpc: '2.0',
      id: question?.['id'] ?? '',
      result: { action: 'decline' },
    });
    assert.match(JSON.stringify(answers), /decline/);
    assert.deepEqual([client.session.requestsInFlight(), client.relay.abandoned], [0, ['state-1']]);
  });

  test('changes are told, of resources only those that are watched', async () => {
    const client = connect({}, { bounds: { subscriptionsMax: 1 } });
    const thing = { uri: 'test://thing' };
    client.relay.change({ type: 'resource-updated', alias: 'up', ...thing });
    client.relay.change({ type: 'tools', alias: 'up' });
    assert.deepEqual((await client.ask(rpc(1, 'resources/subscribe', thing)))[0]?.['result'], {});
    await client.ask(rpc(2, 'resources/subscribe', thing));
    assert.deepEqual([...client.relay.watched], ['test://thing']);
    client.relay.change({ type: 'resource-updated', alias: 'up', ...thing });
    assert.deepEqual((await client.ask(rpc(3, 'resources/unsubscribe', thing)))[0]?.['result'], {});
    client.relay.change({ type: 'resource-updated', alias: 'up', ...thing });
    client.relay.change({ type: 'prompts', alias: 'up' });
    assert.deepEqual(
      client.general.map((message) => message['method']),
      [
        'notifications/tools/list_changed',
        'notifications/resources/updated',
        'notifications/prompts/list_changed',
      ],
    );
    assert.equal(client.relay.watched.size, 0);
    const unknown = await client.ask(rpc(4, 'resources/subscribe', {}));
    assert.equal(errorCodeOf(unknown[0]), -32_602);
    const full = await client.ask(rpc(6, 'resources/subscribe', { uri: fullUri }));
    assert.equal(errorCodeOf(full[0]), -32_603);
    assert.match(JSON.stringify(full[0]), /"code":"overloaded"/);
    await client.ask(rpc(5, 'resources/subscribe', thing));
    client.session.close();
    assert.deepEqual([client.relay.watched.size, client.relay.listeners()], [0, 0]);
  });

  test('members that the gateway does not know come back, and trace context goes along', async () => {
    const client = connect({
      odd: (_values, { meta }) => ({
        kind: 'complete',
        result: { content: [], odd: { deep: [null] }, _meta: { ...meta, 'example.com/y': 1 } },
      }),
    });
    const meta = { traceparent: '00-1', 'example.com/x': [1], progressToken: 1 };
    const [reply] = await client.ask(call(1, 'odd', { _meta: meta }));
    assert.deepEqual(reply?.['result'], {
      content: [],
      odd: { deep: [null] },
      _meta: { traceparent: '00-1', 'example.com/x': [1], 'example.com/y': 1 },
    });
  });
});
