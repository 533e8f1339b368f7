import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import fc from 'fast-check';
import { createFakeRelay } from './fixtures/fake-relay.ts';
import { createManualClock } from '../../fixtures/manual-clock.ts';
import { createTestCore } from './fixtures/open-facade.ts';
import { createSessionStore } from './session-store.ts';
import type { SessionOwner } from './session-store.ts';

const bounds = {
  sessionsMax: 6,
  sessionsPerPrincipalMax: 3,
  sessionIdleMs: 1_000,
  sweepEveryMs: 100,
  streamsKeptMax: 2,
  resumeTimeoutMs: 500,
  listenMaxMs: 5_000,
  streamAfterMs: 10,
  stream: { eventsKeptMax: 4, bytesKeptMax: 1_000, bytesUnreadMax: 1_000, retryMs: 100 },
};

const owner: fc.Arbitrary<SessionOwner> = fc.record({
  view: fc.constantFrom('default', 'other'),
  principal: fc.record({
    tenant: fc.constantFrom('acme', 'globex'),
    subject: fc.constantFrom('ann', 'bob'),
    roles: fc.constantFrom([], ['admin']),
  }),
});

type Step =
  | { readonly type: 'create' | 'find'; readonly owner: SessionOwner; readonly which: number }
  | { readonly type: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constantFrom('create' as const, 'find' as const),
    owner,
    which: fc.nat(20),
  }),
  fc.record({ type: fc.constant('wait' as const), ms: fc.nat(600) }),
);

interface Known {
  readonly id: string;
  readonly owner: SessionOwner;
  usedAtMs: number;
}

function isOf(mine: SessionOwner, theirs: SessionOwner): boolean {
  const { tenant, subject } = theirs.principal;
  return mine.principal.tenant === tenant && mine.principal.subject === subject;
}

test('abuse A10: in no order of events is a session found by another, or are there too many', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = createManualClock();
      let made = 0;
      const randomId = (): string => {
        made += 1;
        return `session-${made}`;
      };
      const core = createTestCore(createFakeRelay({}), clock);
      const store = createSessionStore({ clock, randomId, bounds });
      const known: Known[] = [];
      for (const taken of steps) {
        if (taken.type === 'wait') {
          clock.advance(taken.ms);
        } else if (taken.type === 'create') {
          try {
            const { id } = store.create(core, taken.owner);
            known.push({ id, owner: taken.owner, usedAtMs: clock.now() });
          } catch (thrown) {
            // Only when all room is taken by others.
            assert.ok(thrown instanceof HostError && thrown.code === 'overloaded');
            assert.equal(store.count(), bounds.sessionsMax);
            const mine = known.filter((item) => isOf(item.owner, taken.owner));
            for (const item of mine) assert.equal(store.find(item.id, item.owner), undefined);
          }
        } else {
          const item = known[taken.which % Math.max(1, known.length)];
          const found = item === undefined ? undefined : store.find(item.id, taken.owner);
          if (item === undefined || found === undefined) continue;
          assert.equal(JSON.stringify(taken.owner), JSON.stringify(item.owner));
          assert.ok(clock.now() - item.usedAtMs <= bounds.sessionIdleMs + bounds.sweepEveryMs);
          item.usedAtMs = clock.now();
        }
        assert.ok(store.count() <= bounds.sessionsMax);
      }
      for (const item of known) {
        const mine = known.filter(({ owner: other }) => isOf(other, item.owner));
        const alive = mine.filter(({ id, owner: other }) => store.find(id, other) !== undefined);
        assert.ok(alive.length <= bounds.sessionsPerPrincipalMax);
      }
      store.close();
      core.close();
      assert.deepEqual([store.count(), clock.timers()], [0, 0]);
    }),
    { numRuns: 200 },
  );
});
