import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { createPlainCodec } from '@modelhost/engine-embedded';
import type { RunCodec } from '@modelhost/engine-embedded';
import { HostError, noStatistics, plainLabels } from '@modelhost/kernel';
import type { SessionStore, SessionTurn } from '@modelhost/kernel';
import { inDirectory, inStore } from '../fixtures/store-directory.ts';
import { openSqliteStore } from '../open-store.ts';

const place = { tenant: 'acme', sessionId: 'ses_1' };
const draft = { ...place, subject: 'ann', title: 'a title', metadata: {}, createdAtMs: 1 };

function turnOf(number: number, text: string): SessionTurn {
  return {
    number,
    runId: `run_${number}`,
    agent: 'tester',
    agentVersion: '1',
    reason: 'completed',
    timeMs: 1_000 + number,
    messages: [{ role: 'assistant', content: text, toolCalls: [] }],
    statistics: noStatistics,
    labels: plainLabels,
    placeholders: null,
  };
}

async function add(store: SessionStore, turn: SessionTurn): Promise<void> {
  await store.hold(place, turn.runId);
  await store.append(place, turn);
}

const all = { afterNumber: 0, limit: 100, bytesMax: 1_000_000_000 };

test('sessions are there again after a restart, with who held them', async () => {
  await inDirectory(async (directory) => {
    const turns = [turnOf(1, 'first'), turnOf(2, 'second')];
    const store = await openSqliteStore({ directory });
    const sessions = store.sessions(createPlainCodec());
    await sessions.create(draft);
    for (const turn of turns) await add(sessions, turn);
    await sessions.hold(place, 'run_3');
    const before = await sessions.find(place);
    await store.close();
    await using stack = new AsyncDisposableStack();
    const again = await openSqliteStore({ directory });
    stack.defer(async () => again.close());
    const opened = again.sessions(createPlainCodec());
    assert.deepEqual(await opened.find(place), before);
    assert.equal(before?.heldBy, 'run_3');
    assert.deepEqual(await opened.turns(place, all), turns);
    // The run was in flight, and its turn can still be added, once.
    assert.equal(await opened.append(place, turnOf(3, 'third')), true);
    assert.equal(await opened.append(place, turnOf(3, 'third')), false);
  });
});

test('a turn of any size is kept, whatever characters it is cut between', async () => {
  await inStore(async (store) => {
    const sessions = store.sessions(createPlainCodec());
    await sessions.create(draft);
    // Of both parities one puts the halves of a character on both sides of a cut.
    const turns = [
      turnOf(1, '\u{1f600}'.repeat(3_000_000)),
      turnOf(2, `x${'\u{1f601}'.repeat(1_500_000)}`),
    ];
    for (const turn of turns) await add(sessions, turn);
    assert.deepEqual(await sessions.turns(place, all), turns);
    const [first, ...others] = await sessions.turns(place, { ...all, bytesMax: 1 });
    assert.deepEqual(first, turns[0]);
    assert.deepEqual(others, []);
  });
});

test('nothing of what people wrote is readable in the files, and a deleted session leaves no row', async () => {
  await inStore(async (store, directory) => {
    const sessions = store.sessions(maskingCodec);
    await sessions.create({ ...draft, title: 'readable title', metadata: { readable: 'label' } });
    await add(sessions, turnOf(1, 'readable text '.repeat(10_000)));
    await sessions.create({
      ...draft,
      sessionId: 'ses_2',
      branch: { sessionId: 'ses_1', turn: 1 },
    });
    for (const file of readdirSync(directory)) {
      assert.ok(!readFileSync(join(directory, file)).includes('readable'), file);
    }
    assert.equal(await sessions.delete(place), 0);
    assert.equal(await sessions.delete({ ...place, sessionId: 'ses_2' }), 1);
    using database = new DatabaseSync(join(directory, 'journal.db'), { readOnly: true });
    for (const table of ['session', 'session_turn', 'session_piece', 'blob', 'blob_use']) {
      const row = database.prepare(`SELECT count(*) AS rows FROM ${table}`).get();
      assert.equal(row?.['rows'], 0, table);
    }
  });
});

test('what was sealed for another place is not opened', async () => {
  await inStore(async (store) => {
    const sealing = store.sessions(boundCodec);
    await sealing.create(draft);
    await add(sealing, turnOf(1, 'text'));
    await sealing.create({ ...draft, sessionId: 'ses_2', branch: { sessionId: 'ses_1', turn: 1 } });
    // A branch reads the turn, as it belongs to its run; another tenant's place is another context.
    assert.equal((await sealing.turns({ ...place, sessionId: 'ses_2' }, all)).length, 1);
    assert.deepEqual(await sealing.turns({ ...place, tenant: 'evil' }, all), []);
  });
});

/** Not secret, but not readable either. */
const maskingCodec: RunCodec = {
  encode: (text) => Buffer.from(text).map((byte) => byte ^ 0x55),
  decode: (bytes) => Buffer.from(bytes.map((byte) => byte ^ 0x55)).toString(),
};

/** Opens only where it was sealed. */
const boundCodec: RunCodec = {
  encode: (text, context) => Buffer.from(JSON.stringify([context, text])),
  decode: (bytes, context) => {
    const [sealedFor, text] = JSON.parse(Buffer.from(bytes).toString()) as [unknown, string];
    assert.deepEqual(sealedFor, context);
    return text;
  },
};

test('a session that is damaged is listed among the others, and can be branched and deleted, but no run goes on with it', async () => {
  await inStore(async (store) => {
    const sound = store.sessions(createPlainCodec());
    await sound.create(draft);
    await add(sound, turnOf(1, 'first'));
    await sound.create({ ...draft, sessionId: 'ses_2' });
    const facts = { reason: 'corrupt' };
    const damaged: RunCodec = {
      ...createPlainCodec(),
      decode: (bytes, { tenant, runId, part }) => {
        if (runId !== 'ses_1') return createPlainCodec().decode(bytes, { tenant, runId, part });
        throw new HostError('storage_unavailable', 'does not open', { facts });
      },
    };
    const sessions = store.sessions(damaged);
    const { sessions: listed } = await sessions.list('acme', { pageSize: 9 });
    assert.deepEqual(
      listed.map(({ sessionId, subject, turns, title }) => [
        sessionId,
        subject,
        turns,
        title.split(':')[0],
      ]),
      [
        ['ses_2', 'ann', 0, 'a title'],
        ['ses_1', 'ann', 1, 'damaged'],
      ],
    );
    // Nobody knows what it has taken in.
    assert.equal((await sessions.find(place))?.labels.confidentiality, 'secret');
    await assert.rejects(sessions.hold(place, 'run_2'), { code: 'storage_unavailable', facts });
    await sessions.release(place, 'run_2');
    const branch = { sessionId: 'ses_1', turn: 1 };
    const made = await sessions.create({ ...draft, sessionId: 'ses_3', branch });
    assert.deepEqual(made.session.labels, plainLabels);
    assert.deepEqual(await sessions.turns(made.session, all), [turnOf(1, 'first')]);
    // Its turn is needed by its branch still.
    assert.equal(await sessions.delete(place), 0);
    assert.equal(await sessions.find(place), undefined);
  });
});

test('a session under a key that is not at hand says so, and is not called damaged', async () => {
  await inStore(async (store) => {
    await store.sessions(createPlainCodec()).create(draft);
    const facts = { reason: 'no_key', key_id: 'k1' };
    const sessions = store.sessions({
      ...createPlainCodec(),
      decode: () => {
        throw new HostError('storage_unavailable', 'sealed under another key', { facts });
      },
    });
    const title = 'sealed under the key k1, which is not at hand: put that key back';
    const { sessions: listed } = await sessions.list('acme', { pageSize: 9 });
    assert.deepEqual(
      listed.map((session) => session.title),
      [title],
    );
    assert.equal((await sessions.find(place))?.title, title);
    await assert.rejects(sessions.hold(place, 'run_2'), { code: 'storage_unavailable', facts });
  });
});

test('a session whose id was made from its request is still found by that', async () => {
  await inDirectory(async (directory) => {
    await (await openSqliteStore({ directory })).close();
    const older = new DatabaseSync(join(directory, 'journal.db'));
    older.exec(
      `DROP INDEX session_by_request; ALTER TABLE session DROP COLUMN request_key;
       DELETE FROM migration WHERE number >= 5; PRAGMA user_version = 4`,
    );
    addSession(older);
    older.close();
    await using stack = new AsyncDisposableStack();
    const store = await openSqliteStore({ directory });
    stack.defer(async () => store.close());
    const sessions = store.sessions(createPlainCodec());
    const again = { ...draft, sessionId: 'ses_2', requestKey: 'ses_1' };
    const { created, session } = await sessions.create(again);
    assert.deepEqual([created, session.sessionId], [false, 'ses_1']);
  });
});

/** As hosts did whose sessions had no request keys. */
function addSession(database: DatabaseSync): void {
  const { tenant, sessionId, subject, title, metadata } = draft;
  const about = createPlainCodec().encode(
    JSON.stringify({ title, metadata, labels: plainLabels }),
    {
      tenant,
      runId: sessionId,
      part: 'session',
    },
  );
  database
    .prepare(
      `INSERT INTO session (tenant, session_id, subject, created_at_ms, updated_at_ms, root_id, turns, body)
       VALUES (?, ?, ?, 1, 1, ?, 0, ?)`,
    )
    .run(tenant, sessionId, subject, sessionId, about);
}
