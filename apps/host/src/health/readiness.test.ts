import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import { createReadiness } from './readiness.ts';
import type { Component, Readiness } from './readiness.ts';

/** Readiness on a clock that the test sets. */
function readinessOf(
  components: readonly Component[],
  checkTimeoutMs = 60_000,
): { readonly readiness: Readiness; readonly clock: { nowMs: number } } {
  const clock = { nowMs: 1_000_000 };
  const now = (): number => clock.nowMs;
  const hide = (text: string): string => text.replaceAll('disk', 'thing');
  const readiness = createReadiness({ components, now, checkTimeoutMs, keepMs: 1_000, hide });
  return { readiness, clock };
}

/** A component that counts how often it is asked. */
function counted(answer: () => Promise<void> = async () => {}): Component & { asked(): number } {
  let asked = 0;
  return {
    name: 'part',
    isRequired: true,
    check: async () => {
      asked += 1;
      return answer();
    },
    asked: () => asked,
  };
}

const broken = async (): Promise<void> =>
  Promise.reject(new HostError('audit_unavailable', 'the disk is full'));

test('the host is as well as what it needs, and degraded by the rest', async () => {
  const part = (name: string, isRequired: boolean, isBroken: boolean): Component => ({
    name,
    isRequired,
    check: async () => (isBroken ? broken() : undefined),
  });
  for (const [parts, status] of [
    [[], 'up'],
    [[part('a', true, false), part('b', false, false)], 'up'],
    [[part('a', true, false), part('b', false, true)], 'degraded'],
    [[part('a', true, true), part('b', false, false)], 'down'],
    [[part('a', true, true), part('b', false, true)], 'down'],
  ] as const) {
    assert.equal((await readinessOf(parts).readiness.report()).status, status);
  }
});

test('a report names every component in order, with what it says of itself and nothing of a fault', async () => {
  const { readiness } = readinessOf([
    { name: 'c', isRequired: false, check: async () => Promise.reject(new Error('canary')) },
    { name: 'a', isRequired: true, check: broken },
    { name: 'b', isRequired: false, check: async () => {} },
  ]);
  const { components, timeMs } = await readiness.report();
  assert.equal(timeMs, 1_000_000);
  assert.deepEqual(components, [
    { name: 'a', status: 'down', latencyMs: 0, error: 'the thing is full' },
    { name: 'b', status: 'up', latencyMs: 0, error: undefined },
    { name: 'c', status: 'degraded', latencyMs: 0, error: 'internal fault of the host' },
  ]);
});

test('however often it is asked, the components are asked once a second', async () => {
  const part = counted();
  const { readiness, clock } = readinessOf([part]);
  await Promise.all(Array.from({ length: 100 }, async () => readiness.report()));
  clock.nowMs += 999;
  await readiness.report();
  assert.equal(part.asked(), 1);
  clock.nowMs += 1;
  await readiness.report();
  assert.equal(part.asked(), 2);
});

test('no second round begins while one is under way', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const part = counted(async () => promise);
  const { readiness, clock } = readinessOf([part]);
  const first = readiness.report();
  clock.nowMs += 5_000;
  const second = readiness.report();
  resolve();
  assert.deepEqual(await first, await second);
  assert.equal(part.asked(), 1);
});

test('a clock that is set back keeps no old answer', async () => {
  const part = counted();
  const { readiness, clock } = readinessOf([part]);
  await readiness.report();
  clock.nowMs -= 3_600_000;
  await readiness.report();
  assert.equal(part.asked(), 2);
});

test('a component that does not answer in time has failed, and is told to stop', async () => {
  const stopped = Promise.withResolvers<void>();
  const deaf: Component = {
    name: 'deaf',
    isRequired: true,
    check: async (signal) => {
      signal.addEventListener('abort', () => stopped.resolve());
      return new Promise(() => {});
    },
  };
  const { readiness } = readinessOf([deaf], 5);
  const { status, components } = await readiness.report();
  assert.equal(status, 'down');
  assert.equal(components[0]?.error, 'no answer in 5 ms');
  await stopped.promise;
});

test('a host that drains is down at once, whatever its components say', async () => {
  const { readiness } = readinessOf([counted()]);
  assert.equal((await readiness.report()).status, 'up');
  readiness.drain();
  const { status, isDraining } = await readiness.report();
  assert.deepEqual([status, isDraining], ['down', true]);
});
