import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { serveUntilSignal } from './serve-until-signal.ts';
import type { HostProcess } from './serve-until-signal.ts';

/** A host whose drain ends when the test says so, in a process that only notes its end. */
function serve({ isStarting = false } = {}) {
  const emitter = new EventEmitter();
  const codes: number[] = [];
  const last: string[] = [];
  const drained = Promise.withResolvers<{ readonly interrupted: number }>();
  let drains = 0;
  const owner: HostProcess = {
    on: (signal, listener) => emitter.on(signal, listener),
    off: (signal, listener) => emitter.off(signal, listener),
    exit: (code) => {
      codes.push(code);
      last.push('exit');
    },
  };
  const host = {
    grpcAddress: '',
    healthAddress: '',
    mcpAddress: undefined,
    auditPath: '',
    drain: async () => {
      drains += 1;
      return drained.promise;
    },
    abandon: () => void last.push('abandon'),
    fail: (fault: unknown) => void last.push(`fail ${String(fault)}`),
  };
  const starting = Promise.withResolvers<typeof host>();
  if (!isStarting) starting.resolve(host);
  const code = serveUntilSignal(async () => starting.promise, owner);
  return { host, starting, emitter, codes, last, drained, drains: () => drains, code };
}

for (const signal of ['SIGTERM', 'SIGINT']) {
  test(`${signal} drains, and the code is 0 when every run has ended by itself`, async () => {
    const { emitter, codes, drained, drains, code } = serve();
    assert.equal(drains(), 0);
    emitter.emit(signal);
    drained.resolve({ interrupted: 0 });
    assert.equal(await code, 0);
    assert.equal(drains(), 1);
    assert.deepEqual(codes, []);
    assert.deepEqual(emitter.eventNames(), []);
  });
}

test('a signal during the start is obeyed as soon as there is a host to drain', async () => {
  const { emitter, host, starting, drained, drains, code } = serve({ isStarting: true });
  emitter.emit('SIGTERM');
  drained.resolve({ interrupted: 0 });
  assert.equal(drains(), 0);
  starting.resolve(host);
  assert.equal(await code, 0);
  assert.equal(drains(), 1);
});

test('a start that fails is the outcome, and no listener stays', async () => {
  const { emitter, starting, code } = serve({ isStarting: true });
  starting.reject(new Error('no port'));
  await assert.rejects(code, { message: 'no port' });
  assert.deepEqual(emitter.eventNames(), []);
});

test('the code is 1 when runs had to be interrupted', async () => {
  const { emitter, drained, code } = serve();
  emitter.emit('SIGTERM');
  drained.resolve({ interrupted: 3 });
  assert.equal(await code, 1);
});

for (const [first, second, expected] of [
  ['SIGTERM', 'SIGTERM', 143],
  ['SIGTERM', 'SIGINT', 130],
  ['SIGINT', 'SIGINT', 130],
  ['SIGINT', 'SIGTERM', 143],
] as const) {
  test(`${second} after ${first} ends the process, and what it has started, at once with ${expected}`, async () => {
    const { emitter, codes, last, drained, code } = serve();
    // The start settles first.
    await setImmediate();
    emitter.emit(first);
    assert.deepEqual(codes, []);
    emitter.emit(second);
    assert.deepEqual(codes, [expected]);
    assert.deepEqual(last, ['abandon', 'exit']);
    drained.resolve({ interrupted: 0 });
    await code;
  });
}

test('a drain that fails is the failure of the process, and no signal is caught after it', async () => {
  const { emitter, drained, code } = serve();
  emitter.emit('SIGTERM');
  drained.reject(new Error('the disk is full'));
  await assert.rejects(code, /the disk is full/);
  assert.deepEqual(emitter.eventNames(), []);
});

test('a fault that nobody has caught is in the log before it ends the process', async () => {
  const { emitter, codes, last, drained, code } = serve();
  await setImmediate();
  emitter.emit('uncaughtException', 'disk on fire');
  assert.deepEqual([codes, last], [[1], ['fail disk on fire', 'exit']]);
  emitter.emit('SIGTERM');
  drained.resolve({ interrupted: 0 });
  await code;
  assert.deepEqual(emitter.eventNames(), []);
});
