import assert from 'node:assert/strict';
import test from 'node:test';
import {
  fixtureProcess,
  isHostError,
  serverSpec,
  somebody,
  startGateway,
} from './fixtures/start-gateway.ts';

test('an answer beyond the bound fails its own call only, and the process goes on', async (t) => {
  const server = serverSpec('raw', fixtureProcess('raw-server', 'huge-among-four'));
  const { gateway, call } = startGateway(t, [server]);
  await gateway.connected();

  async function callFour(): Promise<readonly string[]> {
    const outcomes = await Promise.allSettled([1, 2, 3, 4].map(async () => await call('raw__act')));
    const reasons = outcomes.flatMap((outcome): readonly unknown[] =>
      outcome.status === 'rejected' ? [outcome.reason] : [],
    );
    assert.equal(reasons.length, 1);
    assert.ok(isHostError('mcp_result_too_large', { tool: 'raw__act' })(reasons[0]));
    return outcomes.flatMap((outcome) =>
      outcome.status === 'fulfilled' ? [outcome.value.content] : [],
    );
  }

  const answers = [...(await callFour()), ...(await callFour())];
  assert.equal(answers.length, 6);
  assert.match(answers[0] ?? '', /^process \d+$/);
  assert.equal(new Set(answers).size, 1);
});

for (const era of ['modern', 'legacy']) {
  test(`so does one of a server of the official SDK (${era})`, async (t) => {
    const { gateway, call, entries } = startGateway(t, [
      serverSpec('sdk', fixtureProcess('stdio-server', era)),
    ]);
    await gateway.connected();
    const startsOf = (): number =>
      entries.filter(({ message }) => message === `serving ${era}`).length;
    const starts = startsOf();
    const waiting = new AbortController();
    const inFlight = call('sdk__wait', {}, { signal: waiting.signal });
    const small = call('sdk__echo', { text: 'small' });
    const huge = call('sdk__large', { text: '1000000' });
    await assert.rejects(huge, isHostError('mcp_result_too_large', { tool: 'sdk__large' }));
    assert.equal((await small).content, 'small');
    assert.equal((await call('sdk__echo', { text: 'after' })).content, 'after');
    // The call that was in flight all the time is still there to be cancelled.
    waiting.abort(new Error('enough'));
    await assert.rejects(inFlight, /enough/);
    assert.equal(startsOf(), starts);
  });
}

test('what did not fit into an answer is read on by the one who got it, and by nobody else', async (t) => {
  const { gateway, call } = startGateway(t, [
    serverSpec('sdk', fixtureProcess('stdio-server', 'legacy')),
  ]);
  await gateway.connected();
  const { content, isTruncated } = await call('sdk__large', { text: '50000' });
  assert.equal(isTruncated, true);
  const [line = '', handle = '', from] =
    /\n\[.*the rest is in (result:\/\/\S+) from offset (\d+)\]$/.exec(content) ?? [];
  const first = gateway.readResult(somebody, handle, Number(from));
  assert.ok(first?.isTruncated);
  const [note = '', next] = /\n\[.* from offset (\d+)\]$/.exec(first.content) ?? [];
  const second = gateway.readResult(somebody, handle, Number(next));
  assert.equal(second?.isTruncated, false);
  const pieces = [content.slice(0, -line.length), first.content.slice(0, -note.length)];
  assert.equal(`${pieces.join('')}${second.content}`, 'é'.repeat(50_000));
  for (const principal of [
    { ...somebody, subject: 'bob' },
    { ...somebody, tenant: 'rival' },
  ]) {
    assert.equal(gateway.readResult(principal, handle, 0), undefined);
  }
});
