import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPlainCodec } from '@modelhost/engine-embedded';
import { noStatistics, plainLabels } from '@modelhost/kernel';
import {
  assertUnavailable,
  bytesOf,
  entryWrite,
  inDirectory,
  inStore,
  newRun,
} from '../fixtures/store-directory.ts';
import { readSealedTexts } from './sealed.ts';

test('every sealed text of a store is read with what it was sealed for, beside the one who has it open', async () => {
  await inStore(async (store, directory) => {
    for (const runId of ['run_1', 'run_2']) {
      await store.runs.create({ ...newRun(runId), entries: [bytesOf('e0')] }, bytesOf('input'));
      // Interleaved, so that the order of rows is not that of runs; one is large, and lies apart.
      await store.runs.write(entryWrite('run_1', new Uint8Array(70_000).fill(7)));
    }
    const events = { firstSequence: 1, lastSequence: 3, payload: bytesOf('events') };
    await store.runs.write({ ...entryWrite('run_2', bytesOf('e1')), events });
    const signal = { name: 'approval/a/1', payload: bytesOf('yes') };
    await store.runs.addSignal('run_1', signal, { signalsMax: 9 });
    const sessions = store.sessions(createPlainCodec());
    const place = { tenant: 'acme', sessionId: 'ses_1' };
    await sessions.create({ ...place, subject: 'ann', title: '', metadata: {}, createdAtMs: 1 });
    await sessions.hold(place, 'run_9');
    await sessions.append(place, {
      number: 1,
      runId: 'run_9',
      agent: 'tester',
      agentVersion: '1',
      reason: 'completed',
      timeMs: 1,
      messages: [{ role: 'assistant', content: 'x'.repeat(1_500_000), toolCalls: [] }],
      statistics: noStatistics,
      labels: plainLabels,
      placeholders: null,
    });
    const texts = [...readSealedTexts(directory)];
    assert.deepEqual(
      texts.map(({ place: { tenant, runId, part } }) => `${tenant} ${runId} ${part}`),
      [
        'acme run_2 status',
        'acme run_1 status',
        'acme ses_1 session',
        'acme run_1 input',
        'acme run_2 input',
        'acme run_1 entry/0',
        'acme run_1 entry/1',
        'acme run_1 entry/2',
        'acme run_2 entry/0',
        'acme run_2 entry/1',
        'acme run_2 events/1',
        'acme run_1 signal/approval/a/1',
        'acme run_9 turn/0',
        'acme run_9 turn/1',
      ],
    );
    assert.deepEqual(
      texts.slice(5, 10).map(({ bytes }) => bytes.byteLength),
      [2, 70_000, 70_000, 2, 2],
    );
  });
});

test('where there is no store nothing is read', async () => {
  await inDirectory(async (directory) => {
    const read = async (): Promise<unknown> => [...readSealedTexts(directory)];
    await assertUnavailable(read(), 'missing');
  });
});
