import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
// With this import the exports of the module are read again whenever those of built-in modules are replaced.
import process from 'node:process';
import { test } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import { poisonGlobals } from './poison.ts';

test('clock, timers, randomness, network and environment are out of reach, and come back', () => {
  const touches: Readonly<Record<string, () => unknown>> = {
    'Date.now': () => Date.now(),
    'new Date()': () => new Date(),
    'Date()': () => Date(),
    'performance.now': () => performance.now(),
    setTimeout: () => setTimeout(() => {}, 1),
    setInterval: () => setInterval(() => {}, 1),
    setImmediate: () => setImmediate(() => {}),
    'node:timers/promises setImmediate': () => immediate(),
    'Math.random': () => Math.random(),
    'crypto.randomUUID': () => crypto.randomUUID(),
    'crypto.getRandomValues': () => crypto.getRandomValues(new Uint8Array(1)),
    'node:crypto randomUUID': () => randomUUID(),
    fetch: () => fetch('http://127.0.0.1:1'),
    'net.Socket.connect': () => connect(1),
    'AbortSignal.timeout': () => AbortSignal.timeout(1),
    'process.env': () => process.env['HOME'],
    'process.hrtime': () => process.hrtime(),
  };
  const touched: string[] = [];
  const survived: string[] = [];
  // Nothing else runs in between: from here to the restore there is no await.
  const restore = poisonGlobals((name) => touched.push(name));
  let epoch: number;
  try {
    for (const [name, touch] of Object.entries(touches)) {
      try {
        touch();
        survived.push(name);
      } catch {
        // Refused, as it should be.
      }
    }
    epoch = new Date(0).getTime();
  } finally {
    restore();
  }

  assert.deepEqual(survived, []);
  assert.deepEqual(touched, Object.keys(touches));
  assert.equal(epoch, 0);
  assert.ok(Date.now() > 0 && Math.random() < 1 && new Date() instanceof Date);
  assert.equal(typeof process.env, 'object');
});
