import assert from 'node:assert/strict';
import test, { suite } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { HostError } from '@modelhost/kernel';
import type { FacadeCaller } from '../core-types.ts';
import { createLegacyWatches } from './legacy-watches.ts';
import type { LegacyWatches } from './legacy-watches.ts';

const principal = { tenant: 'acme', subject: 'ann', roles: [] };
const caller: FacadeCaller = { principal, capabilities: {}, era: 'legacy' };

interface World {
  readonly watches: LegacyWatches;
  /** Watches that nobody has stopped. */
  readonly running: readonly string[];
  /** Decides what was asked first. */
  readonly decide: (isAllowed: boolean) => Promise<void>;
  readonly asked: () => number;
}

function open(watchesMax = 2): World {
  const waiting: ReturnType<typeof Promise.withResolvers<void>>[] = [];
  const running: string[] = [];
  let asked = 0;
  const watches = createLegacyWatches({
    watchesMax,
    core: {
      watchResource: async (_caller, uri) => {
        asked += 1;
        const decision = Promise.withResolvers<void>();
        waiting.push(decision);
        await decision.promise;
        if (uri === 'nobody') return undefined;
        running.push(uri);
        return () => void running.splice(running.indexOf(uri), 1);
      },
    },
  });
  return {
    watches,
    running,
    asked: () => asked,
    decide: async (isAllowed) => {
      if (isAllowed) waiting.shift()?.resolve();
      else waiting.shift()?.reject(new HostError('policy_violation', 'not for you'));
      await turn();
    },
  };
}

suite('a watch of a session', () => {
  test('is answered once it is decided, and nothing is told before', async () => {
    const { watches, decide } = open();
    const answer = watches.watch(caller, 'a');
    assert.equal(watches.has('a'), false);
    await decide(true);
    assert.deepEqual([await answer, watches.has('a')], [{ result: {} }, true]);
  });

  test('that policy refuses is answered with the reason, and can be asked for again', async () => {
    const { watches, decide, running } = open(1);
    const refused = watches.watch(caller, 'a');
    await decide(false);
    const { error } = await refused;
    assert.equal(error?.message, 'not for you');
    assert.deepEqual(error.data?.['code'], 'policy_violation');
    assert.deepEqual([watches.has('a'), running], [false, []]);
    const again = watches.watch(caller, 'a');
    await decide(true);
    assert.deepEqual([await again, running], [{ result: {} }, ['a']]);
  });

  test('is asked for once, however often the client does', async () => {
    const { watches, decide, asked } = open();
    const answers = [watches.watch(caller, 'a'), watches.watch(caller, 'a')];
    await decide(true);
    assert.deepEqual(await Promise.all(answers), [{ result: {} }, { result: {} }]);
    assert.deepEqual(await watches.watch(caller, 'a'), { result: {} });
    assert.equal(asked(), 1);
  });

  test('counts while it is decided; one that nobody has, or has no URI, does not', async () => {
    const { watches, decide } = open(1);
    const first = watches.watch(caller, 'nobody');
    assert.match((await watches.watch(caller, 'b')).error?.message ?? '', /at most 1/);
    await decide(true);
    assert.equal((await first).error?.code, -32_602);
    assert.equal((await watches.watch(caller, undefined)).error?.code, -32_602);
    assert.equal(watches.unwatch(7).error?.code, -32_602);
    const next = watches.watch(caller, 'b');
    await decide(true);
    assert.deepEqual(await next, { result: {} });
  });

  for (const isAllowed of [true, false]) {
    test(`that is given up while it is decided is over when ${isAllowed ? 'allowed' : 'refused'}, and a new one is not`, async () => {
      const { watches, decide, running } = open(1);
      const first = watches.watch(caller, 'a');
      assert.deepEqual(watches.unwatch('a'), { result: {} });
      const second = watches.watch(caller, 'a');
      await decide(isAllowed);
      await first;
      assert.deepEqual([running, watches.has('a')], [[], false]);
      await decide(true);
      assert.deepEqual(await second, { result: {} });
      assert.deepEqual([running, watches.has('a')], [['a'], true]);
    });
  }

  test('never outlives its session, whatever the order of things', async () => {
    const step = fc.oneof(
      fc.record({ type: fc.constantFrom('watch', 'unwatch'), uri: fc.constantFrom('a', 'b') }),
      fc.record({ type: fc.constant('decide'), isAllowed: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const { watches, decide, running, asked } = open();
        for (const taken of steps) {
          if ('isAllowed' in taken) await decide(taken.isAllowed);
          else if (taken.type === 'watch') void watches.watch(caller, taken.uri);
          else watches.unwatch(taken.uri);
          assert.ok(new Set(running).size === running.length, 'each is watched once');
          for (const uri of ['a', 'b']) assert.equal(watches.has(uri), running.includes(uri));
        }
        watches.close();
        for (let left = asked(); left > 0; left -= 1) await decide(true);
        assert.deepEqual(running, []);
      }),
      { numRuns: 50 },
    );
  });
});
