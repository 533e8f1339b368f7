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

/** Sessions that begin with the turns of others. */
export const branchRules: SessionRules = {
  'a branch begins with the turns up to its own, and tells where it comes from': async (store) => {
    const turns = await createThreeTurns(store);
    const branch = { sessionId: 'ses_1', turn: 2 };
    const { created, session } = await store.create(
      draftOf('ses_2', { branch, createdAtMs: 5_000 }),
    );
    assert.equal(created, true);
    assert.deepEqual(session, {
      ...draftOf('ses_2', { branch, createdAtMs: 5_000 }),
      updatedAtMs: 5_000,
      turns: 2,
      labels: turns[1]?.labels,
      rootId: 'ses_1',
    });
    assert.deepEqual(await allTurns(store, placeOf('ses_2')), turns.slice(0, 2));
    assert.deepEqual(await store.create(draftOf('ses_2', { branch })), { created: false, session });
  },

  'a request that is used again for something else tells what it has made': async (store) => {
    await createThreeTurns(store);
    const branch = { sessionId: 'ses_1', turn: 2 };
    const { session: plain } = await store.create(draftOf('ses_2', { requestKey: 'plain' }));
    const branched = await store.create(draftOf('ses_3', { branch, requestKey: 'branched' }));
    const others = [
      draftOf('ses_4', { branch, requestKey: 'plain' }),
      draftOf('ses_4', { requestKey: 'branched' }),
      draftOf('ses_4', { branch: { ...branch, turn: 1 }, requestKey: 'branched' }),
      draftOf('ses_4', { branch: { sessionId: 'ses_2', turn: 0 }, requestKey: 'branched' }),
    ];
    for (const [index, other] of others.entries()) {
      const session = index === 0 ? plain : branched.session;
      assert.deepEqual(await store.create(other), { created: false, session });
    }
    assert.equal(plain.branch, undefined);
    assert.deepEqual(branched.session.branch, branch);
    assert.equal(await store.find(placeOf('ses_4')), undefined);
  },

  'later turns of either are not in the other': async (store) => {
    await createThreeTurns(store);
    await store.create(draftOf('ses_2', { branch: { sessionId: 'ses_1', turn: 2 } }));
    await addTurn(store, placeOf('ses_2'), 'run_b3');
    await addTurn(store, placeOf('ses_1'), 'run_4');
    assert.deepEqual(await runsOf(store, placeOf('ses_1')), ['run_1', 'run_2', 'run_3', 'run_4']);
    assert.deepEqual(await runsOf(store, placeOf('ses_2')), ['run_1', 'run_2', 'run_b3']);
  },

  'a run that is in the turns of a branch is not added to the branch again': async (store) => {
    const [first] = await createThreeTurns(store);
    await store.create(draftOf('ses_2', { branch: { sessionId: 'ses_1', turn: 2 } }));
    assert.ok(first !== undefined);
    assert.equal(await store.append(placeOf('ses_2'), first), false);
    // The third turn of the other one is none of this one.
    await store.hold(placeOf('ses_2'), 'run_3');
    assert.equal(
      await store.append(placeOf('ses_2'), { ...first, runId: 'run_3', number: 3 }),
      true,
    );
  },

  'a branch of a branch has the root of both, also when what was between is gone': async (
    store,
  ) => {
    await createThreeTurns(store);
    await store.create(draftOf('ses_2', { branch: { sessionId: 'ses_1', turn: 2 } }));
    await addTurn(store, placeOf('ses_2'), 'run_b3');
    await store.create(draftOf('ses_3', { branch: { sessionId: 'ses_2', turn: 3 } }));
    assert.equal((await sessionAt(store, placeOf('ses_3'))).rootId, 'ses_1');
    assert.equal(await store.delete(placeOf('ses_2')), 0);
    assert.deepEqual(await runsOf(store, placeOf('ses_3')), ['run_1', 'run_2', 'run_b3']);
    await store.create(draftOf('ses_4', { branch: { sessionId: 'ses_3', turn: 1 } }));
    assert.equal((await sessionAt(store, placeOf('ses_4'))).rootId, 'ses_1');
  },

  'a branch before the first turn has none and the root all the same': async (store) => {
    await createThreeTurns(store);
    const branch = { sessionId: 'ses_1', turn: 0 };
    const { session } = await store.create(draftOf('ses_2', { branch }));
    assert.equal(session.turns, 0);
    assert.equal(session.rootId, 'ses_1');
    assert.deepEqual(session.labels, plainLabels);
  },

  'a branch of what is not there is refused': async (store) => {
    await createThreeTurns(store);
    for (const branch of [
      { sessionId: 'ses_9', turn: 1 },
      { sessionId: 'ses_9', turn: 0 },
      { sessionId: 'ses_1', turn: 4 },
      { sessionId: 'ses_1', turn: -1 },
    ]) {
      assert.equal(await codeOf(store.create(draftOf('ses_2', { branch }))), 'not_found');
    }
    assert.equal(await store.find(placeOf('ses_2')), undefined);
  },

  'a held session can be branched, and the branch is free': async (store) => {
    await createThreeTurns(store);
    await store.hold(placeOf('ses_1'), 'run_4');
    await store.create(draftOf('ses_2', { branch: { sessionId: 'ses_1', turn: 3 } }));
    assert.equal((await store.hold(placeOf('ses_2'), 'run_b4'))?.heldBy, 'run_b4');
    assert.equal((await sessionAt(store, placeOf('ses_1'))).heldBy, 'run_4');
  },

  'deleting a session leaves to its branches what they begin with, and no more': async (store) => {
    await createThreeTurns(store);
    await store.create(draftOf('ses_2', { branch: { sessionId: 'ses_1', turn: 2 } }));
    await store.create(draftOf('ses_3', { branch: { sessionId: 'ses_1', turn: 1 } }));
    assert.equal(await store.delete(placeOf('ses_1')), 1);
    assert.deepEqual(await runsOf(store, placeOf('ses_2')), ['run_1', 'run_2']);
    await addTurn(store, placeOf('ses_2'), 'run_b3');
    assert.equal(await store.delete(placeOf('ses_2')), 2);
    assert.deepEqual(await runsOf(store, placeOf('ses_3')), ['run_1']);
    assert.equal(await store.delete(placeOf('ses_3')), 1);
  },
};

async function createThreeTurns(store: SessionStore) {
  await store.create(draftOf('ses_1'));
  const place = placeOf('ses_1');
  return [
    await addTurn(store, place, 'run_1'),
    await addTurn(store, place, 'run_2'),
    await addTurn(store, place, 'run_3'),
  ];
}
