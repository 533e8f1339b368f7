import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DyingOperations } from '../fixtures/dying-thread.ts';
import { assertUnavailable } from '../fixtures/store-directory.ts';
import { startThread } from './client.ts';
import type { ThreadClient } from './client.ts';

const script = new URL('../fixtures/dying-thread.ts', import.meta.url);

test('when a thread ends, whatever waits for it and whatever comes later is refused', async () => {
  const thread = start();
  assert.equal(await thread.ask('echo', 'one'), 'one');
  const waiting = [thread.ask('die', null), thread.ask('echo', 'two'), thread.ask('echo', 'three')];
  const messages = await Promise.all(
    waiting.map((call) => assertUnavailable(call, 'thread_ended')),
  );
  assert.match(messages[0] ?? '', /restart the host/);
  await assertUnavailable(thread.ask('echo', 'four'), 'thread_ended');
  assert.equal(thread.waiting(), 0);
  await thread.end();
});

test('a thread that ends has answered what was asked before, and nothing later', async () => {
  const thread = start();
  const calls = Array.from({ length: 20 }, (_, index) => thread.ask('echo', String(index)));
  const end = thread.end();
  await assertUnavailable(thread.ask('echo', 'late'), 'closed');
  await end;
  assert.deepEqual(
    await Promise.all(calls),
    calls.map((_, index) => String(index)),
  );
});

function start(): ThreadClient<DyingOperations> {
  return startThread(script, { callsMax: 100, bytesMax: 1_000_000 });
}
