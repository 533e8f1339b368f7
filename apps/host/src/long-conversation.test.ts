import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompactionMethod, RunEndReason } from '@modelhost/contracts';
import type { RunEvent } from '@modelhost/contracts';
import type { ModelHostClient } from '@modelhost/sdk';
import { startChatProvider } from './fixtures/chat-provider.ts';
import type { ChatProvider } from './fixtures/chat-provider.ts';
import { finish, next, watch } from './fixtures/run-watch.ts';
import { startTestHost, task } from './fixtures/started-host.ts';

const models = [{ id: 'model', model: 'gpt', contextTokens: 4_000, maxOutputTokens: 100 }];
/** About 1,070 tokens: three of them fill more than 80 %. */
const question = 'why '.repeat(800);

/** Begins a run of a session. */
async function begin(
  client: ModelHostClient,
  sessionId: string,
  text: string,
): Promise<AsyncIterator<RunEvent>> {
  const run = watch(client.run(task(text, { sessionId })));
  await next(run, 'runStarted');
  return run;
}

async function answer(provider: ChatProvider, text: string): Promise<void> {
  const asked = await provider.asked();
  asked.text(text);
  asked.finish();
}

test('a session outgrows its model: one run summarizes it, and the next begins with the summary', async () => {
  await using provider = await startChatProvider();
  await using started = await startTestHost({ providers: [{ ...provider.config, models }] });
  const alice = started.connect();
  const { session } = await alice.createSession({ title: '' });
  const { sessionId = '' } = session ?? {};
  for (const reply of ['one', 'two']) {
    const run = await begin(alice, sessionId, question);
    await answer(provider, reply);
    await finish(run);
  }
  const third = await begin(alice, sessionId, question);
  await answer(provider, 'Twice it was asked why.');
  await answer(provider, 'three');
  const compacted = await next(third, 'contextCompacted');
  assert.equal(compacted.method, CompactionMethod.SUMMARY);
  assert.ok(compacted.tokensAfter < compacted.tokensBefore);
  const { reason, answer: text, statistics } = await finish(third);
  assert.deepEqual([reason, text, statistics?.modelCalls], [RunEndReason.COMPLETED, 'three', 2]);
  const fourth = await begin(alice, sessionId, 'go on');
  await answer(provider, 'four');
  const last = await finish(fourth);
  assert.deepEqual([last.answer, last.statistics?.modelCalls], ['four', 1]);
  const { turns } = await alice.listTurns(sessionId);
  const whole = turns.flatMap(({ messages }) => messages);
  assert.equal(whole.length, 8);
});
