import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';

/** Something that the loop may not touch: a member of an object, and the name to report. */
type Target = readonly [owner: object, key: string, name: string];

const functions: readonly Target[] = [
  [performance, 'now', 'performance.now'],
  [globalThis, 'setTimeout', 'setTimeout'],
  [globalThis, 'setInterval', 'setInterval'],
  [globalThis, 'setImmediate', 'setImmediate'],
  [globalThis, 'fetch', 'fetch'],
  [globalThis.crypto, 'randomUUID', 'crypto.randomUUID'],
  [globalThis.crypto, 'getRandomValues', 'crypto.getRandomValues'],
  [Math, 'random', 'Math.random'],
  [AbortSignal, 'timeout', 'AbortSignal.timeout'],
  [process, 'hrtime', 'process.hrtime'],
  [crypto, 'randomUUID', 'node:crypto randomUUID'],
  [crypto, 'randomBytes', 'node:crypto randomBytes'],
  [crypto, 'randomInt', 'node:crypto randomInt'],
  [timers, 'setTimeout', 'node:timers setTimeout'],
  [timers, 'setInterval', 'node:timers setInterval'],
  [timers, 'setImmediate', 'node:timers setImmediate'],
  [timersPromises, 'setTimeout', 'node:timers/promises setTimeout'],
  [timersPromises, 'setImmediate', 'node:timers/promises setImmediate'],
  [net.Socket.prototype, 'connect', 'net.Socket.connect'],
];

/**
 * Makes clock, timers, randomness, network and environment unusable for the whole process, until the returned function is
 * called: whoever touches them gets an error, and `onTouch` the name. Only for a process of its own.
 */
export function poisonGlobals(onTouch: (name: string) => void): () => void {
  function touch(name: string): never {
    onTouch(name);
    throw new Error(`${name} was touched in a simulation`);
  }

  const restores = functions.map(([owner, key, name]) =>
    replace(owner, key, { value: () => touch(name), writable: true }),
  );
  // Reads every member of every built-in module, `process.env` among them, so that one is replaced afterwards.
  syncBuiltinESMExports();
  restores.push(
    replace(process, 'env', { get: () => touch('process.env') }),
    replace(globalThis, 'Date', { value: poisonedDate(touch), writable: true }),
  );
  return () => {
    for (const restore of restores.reverse()) restore();
    syncBuiltinESMExports();
  };
}

/** A date that was given its time is as good as any; only the present is out of reach. */
function poisonedDate(touch: (name: string) => never): typeof Date {
  return new Proxy(Date, {
    construct: (target, given: readonly unknown[], newTarget) =>
      // The proxy gets exactly what a caller of the Date constructor gave.
      given.length === 0
        ? touch('new Date()')
        : (Reflect.construct(target, given, newTarget) as Date),
    apply: () => touch('Date()'),
    get: (target, key, receiver): unknown =>
      key === 'now' ? () => touch('Date.now') : Reflect.get(target, key, receiver),
  });
}

function replace(owner: object, key: string, by: PropertyDescriptor): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, key);
  Object.defineProperty(owner, key, { ...by, configurable: true });
  return () => {
    if (before === undefined) Reflect.deleteProperty(owner, key);
    else Object.defineProperty(owner, key, before);
  };
}
