import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createModelHostClient } from './client.ts';
import { brokenError, ModelHostError } from './error.ts';
import { createStandIn } from './fixtures/stand-in.ts';
import { createWaiting } from './fixtures/waiting.ts';
import type { Waiting } from './fixtures/waiting.ts';

const away = brokenError('no connection');

async function failUntilGivenUp({ patience }: Waiting): Promise<void> {
  await assert.rejects(async () => {
    for (;;) await patience.afterFailure(away, undefined);
  }, away);
}

function errorOf(code: string): ModelHostError {
  const options = { code, grpcStatus: 'UNAVAILABLE', facts: {}, violations: [] };
  return new ModelHostError(code, { ...options, retryAfterMs: undefined });
}

test('a host is waited for as long as it may be away, whatever the pauses are', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      async (timeoutMs, random) => {
        const waiting = createWaiting(timeoutMs, random);
        await failUntilGivenUp(waiting);
        const { waits } = waiting;
        const totalMs = waits.reduce((sum, waitMs) => sum + waitMs, 0);
        assert.ok(Math.abs(totalMs - timeoutMs) < 1, `${totalMs} of ${timeoutMs}`);
        assert.ok(waits.every((waitMs) => waitMs <= 5_000));
        // Every pause but the last, which ends with the time, is as long as the one before, or longer.
        const whole = waits.slice(0, -1);
        assert.deepEqual(
          whole,
          whole.toSorted((one, other) => one - other),
        );
        assert.equal(waiting.told.length, waits.length > 1 ? 1 : 0);
      },
    ),
  );
});

test('what is new begins the time anew', async () => {
  const waiting = createWaiting(150);
  const { patience, waits } = waiting;
  await patience.afterFailure(away, undefined);
  patience.advanced();
  await failUntilGivenUp(waiting);
  assert.deepEqual(waits, [50, 50, 100]);
});

test('a host that holds a quiet stream is back, and one that takes it and drops it is not', async () => {
  for (const [heldMs, waits] of [
    [5_000, [50, 50]],
    [4_999, [50]],
  ] as const) {
    const waiting = createWaiting(5_000);
    await waiting.patience.afterFailure(away, undefined);
    waiting.patience.reached();
    waiting.pass(heldMs);
    const next = waiting.patience.afterFailure(away, undefined);
    if (waits.length === 2) await next;
    else await assert.rejects(next, away);
    assert.deepEqual(waiting.waits, waits);
  }
});

test('a host that goes down is waited for, and any other word of it ends the waiting', async () => {
  for (const code of ['draining', 'not_found', 'unauthenticated', 'overloaded', 'internal']) {
    const { patience, waits } = createWaiting(1_000);
    const error = errorOf(code);
    const waited = patience.afterFailure(error, undefined);
    if (code === 'draining') await waited;
    else await assert.rejects(waited, error);
    assert.equal(waits.length, code === 'draining' ? 1 : 0);
  }
});

test('a client that is closed waits no more, and one whose signal aborts gives the reason', async () => {
  const waiting = createWaiting(1_000);
  await waiting.patience.afterFailure(away, undefined);
  waiting.close();
  await assert.rejects(waiting.patience.afterFailure(away, undefined), away);
  assert.equal(waiting.waits.length, 1);
  const reason = new Error('enough');
  const { patience } = createWaiting(1_000);
  await assert.rejects(patience.afterFailure(away, AbortSignal.abort(reason)), reason);
});

test('a client that is closed while it waits ends what it follows', async () => {
  const host = await createStandIn({});
  const address = `127.0.0.1:${host.port}`;
  await host[Symbol.asyncDispose]();
  const client = createModelHostClient({
    address,
    onWaiting: () => setImmediate(() => client.close()),
  });
  await assert.rejects(Array.fromAsync(client.followRun('run_1')), { code: 'transport' });
});

test('without time nothing is waited for', async () => {
  const waiting = createWaiting(0);
  await failUntilGivenUp(waiting);
  assert.deepEqual(waiting.waits, []);
});

test('a host that is away is waited for while a run is followed, and that is told', async () => {
  const host = await createStandIn({});
  const address = `127.0.0.1:${host.port}`;
  await host[Symbol.asyncDispose]();
  const controller = new AbortController();
  const patient = createModelHostClient({ address, onWaiting: (error) => controller.abort(error) });
  const { signal } = controller;
  await assert.rejects(Array.fromAsync(patient.followRun('run_1', { signal })), /ECONNREFUSED/);
  patient.close();
  const hasty = createModelHostClient({ address, awayTimeoutMs: 0 });
  await assert.rejects(Array.fromAsync(hasty.followRun('run_1')), { grpcStatus: 'UNAVAILABLE' });
  hasty.close();
});
