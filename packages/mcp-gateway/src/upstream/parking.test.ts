import assert from 'node:assert/strict';
import test from 'node:test';
import type { Principal } from '@modelhost/kernel';
import fc from 'fast-check';
import { createManualClock } from '../fixtures/manual-clock.ts';
import { ann, bob } from './fixtures/open-connection.ts';
import { createParking } from './parking.ts';
import type { Parked, Parking } from './parking.ts';

interface Lot {
  readonly parking: Parking<Parked>;
  readonly clock: ReturnType<typeof createManualClock>;
  readonly expired: readonly Principal[];
  readonly parkedBy: (principal: Principal) => Parked;
}

function createLot(parkedMax = 4): Lot {
  const clock = createManualClock();
  const expired: Principal[] = [];
  let ids = 0;
  const newId = (): string => `id-${(ids += 1)}`;
  const parking = createParking<Parked>({ clock, newId, parkedMax, timeToLiveMs: 1_000 });
  const parkedBy = (principal: Principal): Parked => ({
    principal,
    onExpired: () => expired.push(principal),
  });
  return { parking, clock, expired, parkedBy };
}

test('what is parked is taken out once, by the one it belongs to', () => {
  const { parking, clock, expired, parkedBy } = createLot();
  const parked = parkedBy(ann);
  const name = parking.park(parked) ?? '';
  assert.equal(parking.take(name, bob), undefined);
  assert.equal(parking.take(name, { ...ann, tenant: bob.tenant }), undefined);
  assert.equal(parking.take('id-2', ann), undefined);
  assert.equal(parking.take(name, { ...ann, roles: ['more'] }), parked);
  assert.equal(parking.take(name, ann), undefined);
  clock.advance(10_000);
  assert.deepEqual(expired, []);
});

test('what nobody comes back for expires, and makes room', () => {
  const { parking, clock, expired, parkedBy } = createLot(2);
  assert.ok(parking.park(parkedBy(ann)));
  clock.advance(500);
  assert.ok(parking.park(parkedBy(bob)));
  assert.equal(parking.park(parkedBy(ann)), undefined);
  clock.advance(500);
  assert.deepEqual(expired, [ann]);
  assert.ok(parking.park(parkedBy(ann)));
  parking.clear();
  assert.deepEqual(expired, [ann, bob, ann]);
  assert.equal(parking.size(), 0);
  assert.deepEqual(clock.delays(), []);
});

test('what is given up expires at once, for the one it belongs to and nobody else', () => {
  const { parking, clock, expired, parkedBy } = createLot();
  const name = parking.park(parkedBy(ann)) ?? '';
  for (const [given, principal] of [
    [name, bob],
    [name, { ...ann, tenant: bob.tenant }],
    ['id-2', ann],
  ] as const) {
    parking.abandon(given, principal);
    assert.ok(parking.has(name));
  }
  parking.abandon(name, { ...ann, roles: ['more'] });
  assert.deepEqual(expired, [ann]);
  parking.abandon(name, ann);
  assert.deepEqual([expired, parking.size(), clock.delays()], [[ann], 0, []]);
});

test('in no order of parking, coming back and time passing does anybody get what is not theirs', () => {
  const principals = [ann, bob, { ...ann, subject: 'amy' }];
  const step = fc.record({
    who: fc.nat(2),
    act: fc.constantFrom('park', 'take', 'wait'),
    which: fc.nat(12),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { parking, clock, parkedBy } = createLot();
      for (const { who, act, which } of steps) {
        const principal = principals[who] ?? ann;
        if (act === 'park') parking.park(parkedBy(principal));
        else if (act === 'wait') clock.advance(which * 100);
        else {
          const taken = parking.take(`id-${which}`, principal);
          assert.ok(taken === undefined || taken.principal === principal);
        }
        assert.ok(parking.size() <= 4);
      }
    }),
  );
});
