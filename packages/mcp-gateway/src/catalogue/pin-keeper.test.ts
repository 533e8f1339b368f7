import assert from 'node:assert/strict';
import test from 'node:test';
import { createPinKeeper } from './pin-keeper.ts';
import type { ServerPins } from './pin-records.ts';

const pins: ServerPins = { setDigest: 'x', approvedSetDigest: 'x', tools: {} };

test('while a store takes its time, so many changes wait and no more', async () => {
  const stored = Promise.withResolvers<void>();
  const keeper = createPinKeeper({
    load: async () => ({ servers: {} }),
    save: () => stored.promise,
  });
  const aliases = Array.from({ length: 1_024 }, (_, index) => `s${index}`);
  const changes = aliases.map((alias) => keeper.change(alias, () => pins));
  await assert.rejects(
    keeper.change('late', () => pins),
    { code: 'overloaded' },
  );
  assert.equal(keeper.of('s0'), undefined);
  stored.resolve();
  await Promise.all(changes);
  await keeper.change('late', () => pins);
  assert.deepEqual([keeper.of('s1023'), keeper.of('late')], [pins, pins]);
});
