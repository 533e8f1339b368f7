import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cpuMsOf } from './cpu.ts';

test('the work is done once, before its cost is told', () => {
  let count = 0;
  const ms = cpuMsOf(() => void (count += 1));
  assert.equal(count, 1);
  assert.ok(ms >= 0 && Number.isFinite(ms));
});

test('waiting costs nothing, computing does', () => {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const waitedMs = 50;
  const idleMs = cpuMsOf(() => void Atomics.wait(cell, 0, 0, waitedMs));
  assert.ok(idleMs < waitedMs);
  // As many rounds as it takes until the clock of the processor has moved.
  let rounds = 0;
  const busyMs = cpuMsOf(() => {
    const { user } = process.threadCpuUsage();
    while (process.threadCpuUsage().user === user && rounds < 10_000_000) rounds += 1;
  });
  assert.ok(busyMs > 0);
});
