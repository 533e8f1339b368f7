import assert from 'node:assert/strict';
import { plainLabels } from '@modelhost/kernel';
import type { SessionStore } from '@modelhost/kernel';
import {
  addTurn,
  allTurns,
  codeOf,
  draftOf,
  placeOf,
  runsOf,
  sessionAt,
} from './session-values.ts';
import type { SessionRules } from './session-values.ts';

/** Creating, finding, listing, holding and deleting sessions. */
export const sessionRules: SessionRules = {
  'a session is created once, and the first draft of an id counts': async (store) => {
    const { created, session } = await store.create(draftOf('ses_1'));
    assert.equal(created, true);
    assert.deepEqual(session, {
      ...draftOf('ses_1'),
      updatedAtMs: 1_000,
      turns: 0,
      labels: plainLabels,
      rootId: 'ses_1',
    });
    const again = await store.create(draftOf('ses_1', { title: 'another', subject: 'bob' }));
    assert.deepEqual(again, { created: false, session });
    assert.deepEqual(await store.find(placeOf('ses_1')), session);
  },

  'the same request comes back to its session, whatever id it brings': async (store) => {
    const { session } = await store.create(draftOf('ses_1', { requestKey: 'weekly' }));
    assert.equal('requestKey' in session, false);
    const again = await store.create(draftOf('ses_2', { requestKey: 'weekly', title: 'another' }));
    assert.deepEqual(again, { created: false, session });
    assert.equal(await store.find(placeOf('ses_2')), undefined);
    const other = await store.create(draftOf('ses_2', { requestKey: 'daily' }));
    assert.equal(other.created, true);
    const foreign = draftOf('ses_3', { tenant: 'evil', requestKey: 'weekly' });
    assert.equal((await store.create(foreign)).session.sessionId, 'ses_3');
  },

  'the request of a session that was deleted makes another one': async (store) => {
    await store.create(draftOf('ses_1', { requestKey: 'weekly' }));
    await addTurn(store, placeOf('ses_1'), 'run_1');
    await store.delete(placeOf('ses_1'));
    const { created, session } = await store.create(draftOf('ses_2', { requestKey: 'weekly' }));
    assert.deepEqual([created, session.sessionId, session.turns], [true, 'ses_2', 0]);
    assert.equal(await store.find(placeOf('ses_1')), undefined);
    assert.equal((await store.create(draftOf('ses_3', { requestKey: 'weekly' }))).created, false);
  },

  'twenty who make one request at once get one session': async (store) => {
    const all = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        store.create(draftOf(`ses_${index}`, { requestKey: 'weekly' })),
      ),
    );
    assert.equal(all.filter(({ created }) => created).length, 1);
    assert.equal(new Set(all.map(({ session }) => session.sessionId)).size, 1);
    assert.equal((await store.list('acme', { pageSize: 50 })).sessions.length, 1);
  },

  'twenty who create the same session at once get one': async (store) => {
    const all = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        store.create(draftOf('ses_1', { title: `try ${index}` })),
      ),
    );
    assert.equal(all.filter(({ created }) => created).length, 1);
    assert.equal(new Set(all.map(({ session }) => session.title)).size, 1);
    assert.equal((await store.list('acme', { pageSize: 50 })).sessions.length, 1);
  },

  'a session of another tenant is not there, even under the same id': async (store) => {
    await store.create(draftOf('ses_1'));
    await addTurn(store, placeOf('ses_1'), 'run_1');
    const foreign = placeOf('ses_1', 'evil');
    assert.equal(await store.find(foreign), undefined);
    assert.equal(await store.hold(foreign, 'run_2'), undefined);
    assert.deepEqual(await allTurns(store, foreign), []);
    assert.equal(await store.delete(foreign), undefined);
    await store.release(foreign, 'run_1');
    assert.equal(
      await codeOf(
        store.create(draftOf('ses_2', { tenant: 'evil', branch: { sessionId: 'ses_1', turn: 1 } })),
      ),
      'not_found',
    );
    assert.deepEqual((await store.list('evil', { pageSize: 9 })).sessions, []);
    // The same id may be used there, for something else.
    await store.create(draftOf('ses_1', { tenant: 'evil', title: 'theirs' }));
    await addTurn(store, foreign, 'run_9');
    assert.deepEqual(await runsOf(store, foreign), ['run_9']);
    assert.deepEqual(await runsOf(store, placeOf('ses_1')), ['run_1']);
    assert.equal(await store.delete(foreign), 1);
    assert.deepEqual(await runsOf(store, placeOf('ses_1')), ['run_1']);
  },

  'pages show every session once, the newest first, while others come and go': async (store) => {
    const ids = Array.from({ length: 7 }, (_, index) => `ses_${index + 1}`);
    for (const [index, sessionId] of ids.entries()) {
      const changes = { subject: index % 2 === 0 ? 'ann' : 'bob', createdAtMs: 1_000 - index };
      await store.create(draftOf(sessionId, changes));
    }
    await store.create(draftOf('ses_foreign', { tenant: 'evil' }));
    const first = await store.list('acme', { pageSize: 3 });
    assert.deepEqual(idsOf(first), ['ses_7', 'ses_6', 'ses_5']);
    await store.create(draftOf('ses_8'));
    await store.delete(placeOf('ses_5'));
    const { nextPageToken = '' } = first;
    const second = await store.list('acme', { pageSize: 3, pageToken: nextPageToken });
    assert.deepEqual(idsOf(second), ['ses_4', 'ses_3', 'ses_2']);
    const { nextPageToken: last = '' } = second;
    const third = await store.list('acme', { pageSize: 3, pageToken: last });
    assert.deepEqual(idsOf(third), ['ses_1']);
    assert.equal(third.nextPageToken, undefined);
    const ofBob = await store.list('acme', { subject: 'bob', pageSize: 2 });
    assert.deepEqual(idsOf(ofBob), ['ses_6', 'ses_4']);
    const { nextPageToken: more = '' } = ofBob;
    const restOfBob = await store.list('acme', { subject: 'bob', pageSize: 2, pageToken: more });
    assert.deepEqual(idsOf(restOfBob), ['ses_2']);
    assert.equal(restOfBob.nextPageToken, undefined);
  },

  'a page that ends with the last session says that it is the last': async (store) => {
    await store.create(draftOf('ses_1'));
    await store.create(draftOf('ses_2'));
    assert.equal((await store.list('acme', { pageSize: 2 })).nextPageToken, undefined);
  },

  'a page token of somebody else is refused': async (store) => {
    for (const pageToken of ['x', '-1', '1.5', '1e3', '']) {
      assert.equal(
        await codeOf(store.list('acme', { pageSize: 2, pageToken })),
        'validation_failed',
      );
    }
  },

  'one run holds a session, and whoever else asks learns which': async (store) => {
    await store.create(draftOf('ses_1'));
    const place = placeOf('ses_1');
    assert.equal((await store.hold(place, 'run_1'))?.heldBy, 'run_1');
    assert.equal((await store.hold(place, 'run_1'))?.heldBy, 'run_1');
    assert.equal((await store.hold(place, 'run_2'))?.heldBy, 'run_1');
    assert.equal((await sessionAt(store, place)).heldBy, 'run_1');
    // Only the one that is known to be over is taken over from.
    assert.equal((await store.hold(place, 'run_2', 'run_9'))?.heldBy, 'run_1');
    assert.equal((await store.hold(place, 'run_2', 'run_1'))?.heldBy, 'run_2');
    await store.release(place, 'run_1');
    assert.equal((await sessionAt(store, place)).heldBy, 'run_2');
    await store.release(place, 'run_2');
    assert.equal('heldBy' in (await sessionAt(store, place)), false);
  },

  'of twenty runs that ask at once one holds the session': async (store) => {
    await store.create(draftOf('ses_1'));
    const place = placeOf('ses_1');
    const runs = Array.from({ length: 20 }, (_, index) => `run_${index}`);
    const held = await Promise.all(runs.map(async (runId) => store.hold(place, runId)));
    assert.equal(new Set(held.map((session) => session?.heldBy)).size, 1);
  },

  'a held session is not deleted, and one that was let go is': async (store) => {
    await store.create(draftOf('ses_1'));
    const place = placeOf('ses_1');
    await addTurn(store, place, 'run_1');
    await store.hold(place, 'run_2');
    assert.equal(await codeOf(store.delete(place)), 'failed_precondition');
    assert.deepEqual(await runsOf(store, place), ['run_1']);
    await store.release(place, 'run_2');
    assert.equal(await store.delete(place), 1);
    assert.equal(await store.delete(place), undefined);
    assert.equal(await store.find(place), undefined);
    assert.deepEqual(await allTurns(store, place), []);
    await assertGone(store);
  },
};

async function assertGone(store: SessionStore): Promise<void> {
  const place = placeOf('ses_1');
  assert.equal(await store.hold(place, 'run_3'), undefined);
  assert.deepEqual((await store.list('acme', { pageSize: 9 })).sessions, []);
  // Its id is free again, and nothing of what was there comes back.
  await store.create(draftOf('ses_1'));
  assert.deepEqual(await allTurns(store, place), []);
}

function idsOf(page: Awaited<ReturnType<SessionStore['list']>>): readonly string[] {
  return page.sessions.map(({ sessionId }) => sessionId);
}
