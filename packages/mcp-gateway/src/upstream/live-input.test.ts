import assert from 'node:assert/strict';
import test from 'node:test';
import type { JsonObject } from '@modelhost/kernel';
import type { ExchangeOutcome } from '../relay.ts';
import {
  ann,
  bob,
  callOf,
  contextOf,
  giveUpCall,
  goOn,
  openConnection,
  textIn,
} from './fixtures/open-connection.ts';
import type { TestConnection } from './fixtures/open-connection.ts';
import { serveAsking } from './fixtures/serve-asking.ts';

type Asked = ExchangeOutcome & { readonly kind: 'input-required' };

function asked(outcome: ExchangeOutcome): Asked {
  assert.ok(outcome.kind === 'input-required');
  return outcome;
}

/** What the tool made of the answers it got. */
function valueOf(outcome: ExchangeOutcome): unknown {
  assert.equal(outcome.kind, 'complete', JSON.stringify(outcome));
  const { content = [] } = outcome.kind === 'complete' ? outcome.result : {};
  const text = textIn(content);
  return /^[[{]/.test(text) ? JSON.parse(text) : text;
}

function accept(who: string): JsonObject {
  return { action: 'accept', content: { who } };
}

const said = { model: 'm', role: 'assistant', content: { type: 'text', text: 'it' } };

for (const way of ['legacy stdio', 'legacy http'] as const) {
  test(`${way}: a live question comes out as input-required, and its answer goes back in`, async (t) => {
    const { connection } = await openConnection(t, await serveAsking(t, way));
    const call = callOf('ask');
    const { inputRequests, requestState } = asked(
      await connection.exchange(call, contextOf(), undefined),
    );
    const [[key, request]] = Object.entries(inputRequests) as [
      [string, Asked['inputRequests'][string]],
    ];
    assert.equal(request.method, 'elicitation/create');
    assert.equal(request.params['message'], 'Who?');
    assert.equal(connection.exchangesInFlight(), 1);
    assert.ok(connection.hasParked(requestState ?? ''));
    const answers = { [key]: accept('ann') };
    const outcome = await connection.exchange(
      goOn(call, requestState, answers),
      contextOf(),
      undefined,
    );
    assert.deepEqual(valueOf(outcome), accept('ann'));
    assert.equal(connection.exchangesInFlight(), 0);
    // What was gone on with once is over.
    const again = await connection.exchange(
      goOn(call, requestState, answers),
      contextOf(),
      undefined,
    );
    assert.equal(again.kind === 'error' && again.error.code, -32_602);
  });

  test(`${way}: questions one after another take a round each, questions together share one`, async (t) => {
    const { connection } = await openConnection(t, await serveAsking(t, way));
    const twice = callOf('ask-twice');
    const first = asked(await connection.exchange(twice, contextOf(), undefined));
    const firstKeys = Object.keys(first.inputRequests);
    assert.equal(firstKeys.length, 1);
    const second = asked(
      await connection.exchange(
        goOn(twice, first.requestState, { [firstKeys[0] ?? '']: accept('one') }),
        contextOf(),
        undefined,
      ),
    );
    const [secondKey = ''] = Object.keys(second.inputRequests);
    assert.notEqual(second.requestState, first.requestState);
    const outcome = await connection.exchange(
      goOn(twice, second.requestState, { [secondKey]: accept('two') }),
      contextOf(),
      undefined,
    );
    assert.deepEqual(valueOf(outcome), [accept('one'), accept('two')]);
    assert.deepEqual(valueOf(await answerAll(connection)), [accept('ann'), said]);
  });

  test(`${way}: who does not answer what was asked is asked again`, async (t) => {
    const { connection } = await openConnection(t, await serveAsking(t, way));
    const call = callOf('ask');
    const first = asked(await connection.exchange(call, contextOf(), undefined));
    let { requestState } = first;
    for (const wrong of [{}, { 'input-9': accept('x') }, { 'input-1': 'no object' }]) {
      // Each round follows the one before it.
      const again = asked(
        await connection.exchange(goOn(call, requestState, wrong), contextOf(), undefined),
      ); // oxlint-disable-line no-await-in-loop
      assert.deepEqual(again.inputRequests, first.inputRequests);
      ({ requestState } = again);
    }
    const right = goOn(call, requestState, { 'input-1': accept('ann') });
    assert.deepEqual(
      valueOf(await connection.exchange(right, contextOf(), undefined)),
      accept('ann'),
    );
  });

  test(`${way}: nobody else goes on with a call, nor anybody with another one`, async (t) => {
    const { connection } = await openConnection(t, await serveAsking(t, way));
    const call = callOf('ask');
    const { requestState } = asked(await connection.exchange(call, contextOf(), undefined));
    const answers = { 'input-1': accept('mallory') };
    for (const principal of [bob, { ...ann, subject: 'amy' }, { ...ann, tenant: 'globex' }]) {
      const refused = await connection.exchange(
        goOn(call, requestState, answers),
        contextOf({ principal }),
        undefined,
      );
      assert.equal(refused.kind === 'error' && refused.error.code, -32_602);
    }
    const made = await connection.exchange(
      goOn(call, 'parked-77', answers),
      contextOf(),
      undefined,
    );
    assert.equal(made.kind === 'error' && made.error.code, -32_602);
    const other = await connection.exchange(
      goOn(callOf('ask', { text: 'other' }), requestState, answers),
      contextOf(),
      undefined,
    );
    assert.equal(other.kind === 'error' && other.error.code, -32_602);
    assert.equal(connection.exchangesInFlight(), 0);
  });

  test(`${way}: a call that nobody comes back for is cancelled after five minutes`, async (t) => {
    const events: string[] = [];
    const transport = await serveAsking(t, way, (event) => events.push(event));
    const { connection, clock } = await openConnection(t, transport);
    const call = callOf('ask');
    const { requestState } = asked(await connection.exchange(call, contextOf(), undefined));
    clock.advance(299_999);
    assert.equal(connection.exchangesInFlight(), 1);
    clock.advance(1);
    assert.equal(connection.exchangesInFlight(), 0);
    const late = await connection.exchange(goOn(call, requestState, {}), contextOf(), undefined);
    assert.equal(late.kind === 'error' && late.error.code, -32_602);
  });

  test(`${way}: a question is refused when the caller cannot be asked`, async (t) => {
    const { connection } = await openConnection(t, await serveAsking(t, way));
    for (const capabilities of [{}, { sampling: {} }, { elicitation: { url: {} } }]) {
      // The tool fails by the refusal, which the SDK's server reports as its error.
      const outcome = await connection.exchange(
        callOf('ask'),
        contextOf({ capabilities }),
        undefined,
      );
      assert.equal(outcome.kind, 'error');
      assert.equal(connection.exchangesInFlight(), 0);
    }
  });

  test(`${way}: roots are answered from the configuration, else by the caller`, async (t) => {
    const roots = [{ uri: 'file:///srv', name: 'srv' }];
    const transport = await serveAsking(t, way);
    const configured = await openConnection(t, transport, { roots });
    const context = contextOf({ capabilities: {} });
    const outcome = await configured.connection.exchange(callOf('roots'), context, undefined);
    assert.deepEqual(valueOf(outcome), { roots });
    const { connection } = await openConnection(t, transport);
    const call = callOf('roots');
    const { inputRequests, requestState } = asked(
      await connection.exchange(call, contextOf(), undefined),
    );
    assert.deepEqual(
      Object.values(inputRequests).map(({ method }) => method),
      ['roots/list'],
    );
    const own = { roots: [{ uri: 'file:///own' }] };
    const answered = goOn(call, requestState, { 'input-1': own });
    assert.deepEqual(valueOf(await connection.exchange(answered, contextOf(), undefined)), own);
  });

  test(`${way}: a question that tells not whose it is reaches the only one in flight, and nobody among several`, async (t) => {
    const { connection } = await openConnection(t, await serveAsking(t, way));
    const call = callOf('ask-aloud');
    const { requestState } = asked(await connection.exchange(call, contextOf(), undefined));
    // Bob's question must not reach Ann, who is able to answer and whose call is still there.
    const bobs = await connection.exchange(
      call,
      contextOf({ principal: bob, capabilities: {} }),
      undefined,
    );
    assert.equal(bobs.kind, 'error');
    assert.match(bobs.kind === 'error' ? bobs.error.message : '', /for whom this is/);
    const answered = goOn(call, requestState, { 'input-1': accept('ann') });
    const outcome = await connection.exchange(answered, contextOf(), undefined);
    assert.deepEqual(valueOf(outcome), accept('ann'));
  });

  test(`${way}: a call that is cancelled while it is gone on with is cancelled at the server`, async (t) => {
    const { connection } = await openConnection(t, await serveAsking(t, way));
    const call = callOf('ask-twice');
    const { requestState } = asked(await connection.exchange(call, contextOf(), undefined));
    const reason = new Error('enough');
    const cancelling = new AbortController();
    const going = connection.exchange(
      goOn(call, requestState, {}),
      contextOf({ signal: cancelling.signal }),
      undefined,
    );
    cancelling.abort(reason);
    await assert.rejects(going, (thrown) => thrown === reason);
    assert.equal(connection.exchangesInFlight(), 0);
  });
}

test('legacy http: questions on their own streams reach those whose calls they belong to', async (t) => {
  const { connection } = await openConnection(t, await serveAsking(t, 'legacy http'));
  const answered = await Promise.all(
    [ann, bob].map(async (principal) => {
      const call = callOf('ask');
      const outcome = asked(await connection.exchange(call, contextOf({ principal }), undefined));
      const going = goOn(call, outcome.requestState, { 'input-1': accept(principal.subject) });
      return valueOf(await connection.exchange(going, contextOf({ principal }), undefined));
    }),
  );
  assert.deepEqual(answered, [accept('ann'), accept('bob')]);
});

test('a question that tells not whose it is reaches nobody while somebody else gave a call up lately', async (t) => {
  const { connection, clock } = await openConnection(t, await serveAsking(t, 'legacy stdio'));
  await giveUpCall(connection, bob);
  const refused = await connection.exchange(callOf('ask'), contextOf(), undefined);
  assert.match(refused.kind === 'error' ? refused.error.message : '', /for whom this is/);
  clock.advance(300_000);
  asked(await connection.exchange(callOf('ask'), contextOf(), undefined));
});

test('beyond 64 calls that wait for input the server gets an error, until there is room again', async (t) => {
  const { connection, clock } = await openConnection(t, await serveAsking(t, 'legacy http'));
  const ask = async (): Promise<ExchangeOutcome> =>
    await connection.exchange(callOf('ask'), contextOf(), undefined);
  const outcomes = await Promise.all(Array.from({ length: 65 }, ask));
  const kinds = outcomes.map(({ kind }) => kind).sort();
  assert.equal(kinds.filter((kind) => kind === 'input-required').length, 64);
  assert.equal(kinds[0], 'error');
  assert.equal(connection.exchangesInFlight(), 64);
  clock.advance(300_000);
  assert.equal(connection.exchangesInFlight(), 0);
  assert.equal((await ask()).kind, 'input-required');
});

test('a call that is parked takes no question from another one of the same principal', async (t) => {
  const { connection } = await openConnection(t, await serveAsking(t, 'legacy stdio'));
  const first = asked(await connection.exchange(callOf('ask'), contextOf(), undefined));
  const call = callOf('ask', { text: 'other' });
  const second = asked(await connection.exchange(call, contextOf(), undefined));
  assert.notEqual(second.requestState, first.requestState);
  const going = goOn(call, second.requestState, { 'input-1': accept('two') });
  const outcome = await connection.exchange(going, contextOf(), undefined);
  assert.deepEqual(valueOf(outcome), accept('two'));
});

/** Over HTTP two questions may come apart, and then take two rounds. */
async function answerAll(connection: TestConnection['connection']): Promise<ExchangeOutcome> {
  const call = callOf('ask-both');
  let outcome = await connection.exchange(call, contextOf(), undefined);
  while (outcome.kind === 'input-required') {
    const answers = Object.entries(outcome.inputRequests).map(([key, { method }]) => [
      key,
      method === 'elicitation/create' ? accept('ann') : said,
    ]);
    // Each round follows the one before it.
    outcome = await connection.exchange(
      goOn(call, outcome.requestState, Object.fromEntries(answers)),
      contextOf(),
      undefined,
    ); // oxlint-disable-line no-await-in-loop
  }
  return outcome;
}
