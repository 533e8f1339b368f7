import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { SessionPlace, SessionStore } from '@modelhost/kernel';
import { addTurn, draftOf, placeOf, runsOf } from './session-values.ts';
import type { SessionRules } from './session-values.ts';

/** What anybody may do to the sessions of a small world. */
type Deed =
  | { readonly type: 'create'; readonly session: number }
  | {
      readonly type: 'branch';
      readonly session: number;
      readonly from: number;
      readonly turn: number;
    }
  | { readonly type: 'add'; readonly session: number }
  | { readonly type: 'delete'; readonly session: number };

const session = fc.nat({ max: 4 });
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ type: fc.constant('create' as const), session }),
  fc.record({
    type: fc.constant('branch' as const),
    session,
    from: session,
    turn: fc.nat({ max: 4 }),
  }),
  fc.record({ type: fc.constant('add' as const), session }),
  fc.record({ type: fc.constant('add' as const), session }),
  fc.record({ type: fc.constant('delete' as const), session }),
);

/** Laws over any sequence of deeds; each sequence has a tenant of its own. */
export const sessionLaws: SessionRules = {
  'whatever is done, each session has its own turns, and in the end every turn is gone once':
    async (store) => {
      let tenants = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(deed, { maxLength: 30 }), async (deeds) => {
          tenants += 1;
          await playAndCompare(store, `tenant-${tenants}`, deeds);
        }),
        { numRuns: 60 },
      );
    },
};

/** The same in the plainest way: each session has a copy of its turns. */
async function playAndCompare(
  store: SessionStore,
  tenant: string,
  deeds: readonly Deed[],
): Promise<void> {
  const at = (number: number): SessionPlace => placeOf(`ses_${number}`, tenant);
  const sessions = new Map<number, readonly string[]>();
  let added = 0;
  let gone = 0;
  for (const done of deeds) {
    const known = sessions.get(done.session);
    switch (done.type) {
      case 'create':
        await store.create(draftOf(`ses_${done.session}`, { tenant }));
        sessions.set(done.session, known ?? []);
        break;
      case 'branch': {
        const from = sessions.get(done.from);
        if (known !== undefined || from === undefined || done.turn > from.length) break;
        const branch = { sessionId: `ses_${done.from}`, turn: done.turn };
        await store.create(draftOf(`ses_${done.session}`, { tenant, branch }));
        sessions.set(done.session, from.slice(0, done.turn));
        break;
      }
      case 'add':
        if (known === undefined) break;
        added += 1;
        await addTurn(store, at(done.session), `run_${added}`);
        sessions.set(done.session, [...known, `run_${added}`]);
        break;
      case 'delete':
        gone += (await store.delete(at(done.session))) ?? 0;
        sessions.delete(done.session);
        break;
    }
  }
  for (const [number, runs] of sessions) {
    assert.deepEqual(await runsOf(store, at(number)), runs);
  }
  for (const number of sessions.keys()) gone += (await store.delete(at(number))) ?? 0;
  assert.equal(gone, added);
}
