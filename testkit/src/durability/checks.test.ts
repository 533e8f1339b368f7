import assert from 'node:assert/strict';
import { connect } from 'node:net';
import test from 'node:test';
import { ToolOutcome } from '@modelhost/contracts';
import type { Owner } from '../end-to-end/start-host.ts';
import { checkEffects, createModelWatch } from './checks.ts';
import type { ModelWatch } from './checks.ts';
import { startModelServer } from './model-server.ts';

/** A model under watch, and what is on the wire when `name` asks for its first turn. */
async function startWatched(
  owner: Owner,
): Promise<{ url: string; watch: ModelWatch; asked: Promise<void> }> {
  const watch = createModelWatch();
  const asked = Promise.withResolvers<void>();
  const url = await startModelServer(owner, (request) => {
    asked.resolve();
    return watch.onRequest(request);
  });
  return { url, watch, asked: asked.promise };
}

function bodyOf(name: string, words: number): string {
  const task = { name, rounds: [], words };
  return JSON.stringify({ messages: [{ role: 'user', content: JSON.stringify(task) }] });
}

async function ask(url: string, name: string, words = 3): Promise<void> {
  const response = await fetch(`${url}/chat/completions`, {
    method: 'POST',
    body: bodyOf(name, words),
    headers: { connection: 'close' },
  });
  await response.text();
}

/** Asks, and is gone before the model has even looked. */
async function askAndHangUp(url: string, name: string): Promise<void> {
  const body = bodyOf(name, 6);
  const head = `POST /v1/chat/completions HTTP/1.1\r\nhost: model\r\ncontent-length: ${body.length}\r\n\r\n`;
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  await new Promise<void>((resolve) => {
    socket.write(`${head}${body}`, () => socket.destroy());
    socket.on('close', () => resolve());
  });
}

test('a turn whose answer was seen is not asked again, even for a moment', async (t) => {
  const { url, watch } = await startWatched(t);
  await ask(url, 'once');
  assert.deepEqual(watch.violations, []);
  watch.onTurnSeen({ name: 'once', turn: 1, isAnswered: true });
  await askAndHangUp(url, 'once');
  await ask(url, 'another');
  assert.deepEqual(watch.violations, ['turn 1 of once was asked again']);
});

test('a request that is read after its run was stopped is no other one', async (t) => {
  const { url, watch, asked } = await startWatched(t);
  watch.onTurnSeen({ name: 'stopped', turn: 1, isAnswered: false });
  await askAndHangUp(url, 'stopped');
  await asked;
  // Takes longer than the first one.
  await ask(url, 'another', 20);
  assert.equal(watch.requests(), 2);
  assert.deepEqual(watch.violations, []);
});

test('a stopped turn that is asked for again by somebody who stays is found', async (t) => {
  const { url, watch } = await startWatched(t);
  watch.onTurnSeen({ name: 'stopped', turn: 1, isAnswered: false });
  await ask(url, 'stopped');
  assert.deepEqual(watch.violations, ['turn 1 of stopped was asked again']);
});

/** A run that saw at time 10 how its only call ended, and what the tool did. */
function checkCall(outcome: ToolOutcome, tool: string, effectsAtMs: readonly number[]): void {
  const tools = new Map([['call', { outcome, seenAtMs: 10 }]]);
  checkEffects(
    [{ tools }],
    effectsAtMs.map((atMs) => ({ atMs, tool, text: 'call' })),
  );
}

test('an effect comes no later than its result, but once where nobody waited for it', () => {
  checkCall(ToolOutcome.OK, 'note', [8, 9]);
  assert.throws(() => checkCall(ToolOutcome.OK, 'note', [9, 11]), /happened again/);
  for (const outcome of [ToolOutcome.CANCELLED, ToolOutcome.UNKNOWN]) {
    checkCall(outcome, 'note', [9, 11]);
    assert.throws(() => checkCall(outcome, 'note', [11, 12]), /happened again/);
    assert.throws(() => checkCall(outcome, 'pay', [9, 11]), /happened twice/);
  }
});
