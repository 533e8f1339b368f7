import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { createMemoryWatch } from './memory-watch.ts';
import { signalGroup } from './process-group.ts';

/** A shell that leads a group with a Node in it, which has tens of megabytes. */
async function startGroup(t: TestContext): Promise<number> {
  const script = `"${process.execPath}" -e "console.log(1); setInterval(() => {}, 60000)"; true`;
  const child = spawn('sh', ['-c', script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const leader = child.pid ?? assert.fail('not started');
  t.after(() => signalGroup(leader, 'SIGKILL'));
  await once(child.stdout, 'data');
  child.stdout.destroy();
  return leader;
}

/** The timer of the watch, which goes off when the test says so. */
function createTimer(): {
  readonly setTimer: (delayMs: number, callback: () => void) => () => void;
  readonly goOff: () => void;
  readonly isSet: () => boolean;
  /** Resolves when it is set the next time. */
  readonly set: () => Promise<void>;
} {
  let pending: (() => void) | undefined;
  let wasSet = Promise.withResolvers<void>();
  return {
    setTimer: (_delayMs, callback) => {
      pending = callback;
      wasSet.resolve();
      wasSet = Promise.withResolvers();
      return () => {
        pending = undefined;
      };
    },
    goOff: () => {
      const callback = pending;
      pending = undefined;
      callback?.();
    },
    isSet: () => pending !== undefined,
    set: () => wasSet.promise,
  };
}

const linuxOnly = { skip: process.platform === 'linux' ? false : 'there is no /proc' };

test(
  'a group above its cap is told once, with all of its processes counted',
  linuxOnly,
  async (t) => {
    const leader = await startGroup(t);
    const timer = createTimer();
    const watch = createMemoryWatch(timer.setTimer);
    const exceeded = Promise.withResolvers<number>();
    watch.add(leader, { bytesMax: 10_000_000, onExceeded: exceeded.resolve });
    timer.goOff();
    // The shell alone has a megabyte or two.
    assert.ok((await exceeded.promise) > 10_000_000);
    assert.equal(timer.isSet(), false);
  },
);

test(
  'a group below its cap is looked at again, and looking ends with the last group',
  linuxOnly,
  async (t) => {
    const leader = await startGroup(t);
    const timer = createTimer();
    const watch = createMemoryWatch(timer.setTimer);
    watch.add(leader, { bytesMax: 1e12, onExceeded: () => assert.fail('it is far below') });
    const again = timer.set();
    timer.goOff();
    await again;
    assert.equal(timer.isSet(), true);
    watch.delete(leader);
    assert.equal(timer.isSet(), false);
  },
);

test('nothing is looked at without a cap, or after closing', () => {
  const timer = createTimer();
  const watch = createMemoryWatch(timer.setTimer);
  assert.equal(timer.isSet(), false);
  watch.close();
  watch.add(1, { bytesMax: 1, onExceeded: () => {} });
  assert.equal(timer.isSet(), false);
});
