import assert from 'node:assert/strict';
import type { SessionTurn } from '@modelhost/kernel';
import {
  addTurn,
  allTurns,
  codeOf,
  draftOf,
  placeOf,
  runsOf,
  sessionAt,
  turnOf,
} from './session-values.ts';
import type { SessionRules } from './session-values.ts';

const place = placeOf('ses_1');

/** Adding turns and reading them. */
export const turnRules: SessionRules = {
  'a turn comes back as it was given, and its session tells of it': async (store) => {
    await store.create(draftOf('ses_1'));
    await store.hold(place, 'run_1');
    assert.equal(await store.append(place, richTurn), true);
    assert.deepEqual(await allTurns(store, place), [richTurn]);
    const { turns, labels, updatedAtMs, createdAtMs, ...session } = await sessionAt(store, place);
    assert.equal(turns, 1);
    assert.deepEqual(labels, richTurn.labels);
    assert.equal(updatedAtMs, richTurn.timeMs);
    assert.equal(createdAtMs, 1_000);
    assert.equal('heldBy' in session, false);
  },

  'what is changed in a turn after it was added is not changed in the session': async (store) => {
    await store.create(draftOf('ses_1'));
    await store.hold(place, 'run_1');
    const messages = [...turnOf(1, 'run_1').messages];
    await store.append(place, turnOf(1, 'run_1', { messages }));
    messages.pop();
    assert.deepEqual(await allTurns(store, place), [turnOf(1, 'run_1')]);
  },

  'only the run that holds a session adds a turn, and only the next one': async (store) => {
    await store.create(draftOf('ses_1'));
    assert.equal(await codeOf(store.append(place, turnOf(1, 'run_1'))), 'request_conflict');
    await store.hold(place, 'run_1');
    assert.equal(await codeOf(store.append(place, turnOf(1, 'run_2'))), 'request_conflict');
    assert.equal(await codeOf(store.append(place, turnOf(2, 'run_1'))), 'request_conflict');
    assert.equal(await codeOf(store.append(place, turnOf(0, 'run_1'))), 'request_conflict');
    // None of these has let it go.
    assert.equal((await sessionAt(store, place)).heldBy, 'run_1');
    assert.deepEqual(await allTurns(store, place), []);
    assert.equal(await codeOf(store.append(placeOf('ses_9'), turnOf(1, 'run_1'))), 'not_found');
  },

  'a run that was taken over from adds nothing any more': async (store) => {
    await store.create(draftOf('ses_1'));
    await store.hold(place, 'run_1');
    await store.hold(place, 'run_2', 'run_1');
    assert.equal(await codeOf(store.append(place, turnOf(1, 'run_1'))), 'request_conflict');
    assert.equal(await store.append(place, turnOf(1, 'run_2')), true);
    assert.deepEqual(await runsOf(store, place), ['run_2']);
  },

  'the turn of a run is added once, whoever has gone on since': async (store) => {
    await store.create(draftOf('ses_1'));
    await store.hold(place, 'run_1');
    const turn = turnOf(1, 'run_1');
    assert.equal(await store.append(place, turn), true);
    assert.equal(await store.append(place, turn), false);
    await addTurn(store, place, 'run_2');
    await store.hold(place, 'run_3');
    // A second try after a crash may even word it differently.
    assert.equal(await store.append(place, turnOf(1, 'run_1', { timeMs: 9_999 })), false);
    assert.equal((await sessionAt(store, place)).heldBy, 'run_3');
    assert.deepEqual(await allTurns(store, place), [turn, turnOf(2, 'run_2')]);
  },

  'twenty tries of one turn at once add it once': async (store) => {
    await store.create(draftOf('ses_1'));
    await store.hold(place, 'run_1');
    const tries = Array.from({ length: 20 }, async () => store.append(place, turnOf(1, 'run_1')));
    const added = await Promise.all(tries);
    assert.equal(added.filter(Boolean).length, 1);
    assert.deepEqual(await runsOf(store, place), ['run_1']);
  },

  'turns are read in pages, bounded in number and in bytes': async (store) => {
    await store.create(draftOf('ses_1'));
    for (let number = 1; number <= 5; number += 1) await addTurn(store, place, `run_${number}`);
    const read = async (afterNumber: number, limit: number, bytesMax: number) =>
      (await store.turns(place, { afterNumber, limit, bytesMax })).map(({ number }) => number);
    assert.deepEqual(await read(0, 2, 1_000_000), [1, 2]);
    assert.deepEqual(await read(2, 9, 1_000_000), [3, 4, 5]);
    assert.deepEqual(await read(5, 9, 1_000_000), []);
    // One comes at least, so that a reader gets on however big the turns are.
    assert.deepEqual(await read(1, 9, 1), [2]);
    const some = await read(0, 9, 2 * JSON.stringify(turnOf(1, 'run_1')).length + 200);
    assert.ok(some.length >= 1 && some.length < 5, `${some.length} turns`);
  },
};

/** Everything that a turn can hold. */
const richTurn: SessionTurn = turnOf(1, 'run_1', {
  reason: 'cancelled',
  timeMs: 1_900_000_000_123,
  messages: [
    {
      role: 'user',
      content: [
        { type: 'text', text: 'Grüße, 東京 \u0000 \u{1f600} "quoted" \n' },
        { type: 'image', mediaType: 'image/png', source: { base64: 'aGVsbG8=' } },
        { type: 'image', mediaType: 'image/png', source: { uri: 'https://example.com/a.png' } },
        {
          type: 'file',
          mediaType: 'application/pdf',
          name: 'a.pdf',
          uri: 'https://example.com/a.pdf',
        },
      ],
    },
    { role: 'system', content: '' },
    {
      role: 'assistant',
      content: '',
      toolCalls: [{ id: 'call_1', name: 'desk__write', arguments: '{"broken"' }],
    },
    {
      role: 'tool',
      toolCallId: 'call_1',
      toolName: 'desk__write',
      content: 'no',
      isError: true,
    },
  ],
  labels: {
    integrity: 'untrusted',
    sources: ['a', 'b'],
    confidentiality: 'secret',
    compartments: ['pii'],
  },
  placeholders: [{ number: 1, kind: 'EMAIL', value: { data: 'sealed' } }],
});
