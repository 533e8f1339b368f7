import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createBreaker } from './breaker.ts';
import type { Breaker, BreakerPass } from './breaker.ts';

interface Started {
  readonly breaker: Breaker;
  readonly wait: (ms: number) => void;
}

function start(failuresMax = 3, openMs = 100): Started {
  let now = 0;
  const breaker = createBreaker({ failuresMax, openMs, now: () => now });
  return { breaker, wait: (ms) => void (now += ms) };
}

function enter(breaker: Breaker): BreakerPass {
  const pass = breaker.enter();
  assert.ok(pass !== undefined);
  return pass;
}

function fail(breaker: Breaker, times: number): void {
  for (let time = 0; time < times; time += 1) enter(breaker).fail();
}

test('it opens after so many failures in a row, and refuses until its time is over', () => {
  const { breaker, wait } = start();
  fail(breaker, 2);
  assert.equal(breaker.state(), 'closed');
  fail(breaker, 1);
  assert.deepEqual(
    [breaker.state(), breaker.enter(), breaker.retryAfterMs()],
    ['open', undefined, 100],
  );
  wait(99);
  assert.deepEqual([breaker.enter(), breaker.retryAfterMs()], [undefined, 1]);
  wait(1);
  assert.deepEqual([breaker.state(), breaker.retryAfterMs()], ['half-open', 0]);
});

test('a success forgets the failures before it', () => {
  const { breaker } = start();
  fail(breaker, 2);
  enter(breaker).succeed();
  fail(breaker, 2);
  assert.equal(breaker.state(), 'closed');
});

test('half-open it lets one through at a time, and that one decides', () => {
  const { breaker, wait } = start();
  fail(breaker, 3);
  wait(100);
  const trial = enter(breaker);
  assert.equal(breaker.enter(), undefined);
  trial.leave();
  const next = enter(breaker);
  next.fail();
  assert.deepEqual([breaker.state(), breaker.retryAfterMs()], ['open', 100]);
  wait(100);
  enter(breaker).succeed();
  assert.equal(breaker.state(), 'closed');
  fail(breaker, 2);
  assert.equal(breaker.state(), 'closed');
});

test('what was let in before the breaker changed decides nothing any more', () => {
  const { breaker, wait } = start();
  const early = [enter(breaker), enter(breaker), enter(breaker)] as const;
  fail(breaker, 3);
  early[0].succeed();
  assert.equal(breaker.state(), 'open');
  wait(100);
  early[1].fail();
  assert.equal(breaker.state(), 'half-open');
  enter(breaker).succeed();
  early[2].fail();
  fail(breaker, 2);
  assert.equal(breaker.state(), 'closed');
});

test('a pass counts once', () => {
  const { breaker } = start();
  const pass = enter(breaker);
  pass.fail();
  pass.fail();
  pass.fail();
  assert.equal(breaker.state(), 'closed');
});

const step = fc.oneof(
  fc.record({ type: fc.constant('enter' as const) }),
  fc.record({
    type: fc.constantFrom('succeed' as const, 'fail' as const, 'leave' as const),
    which: fc.nat(),
  }),
  fc.record({ type: fc.constant('wait' as const), ms: fc.nat(150) }),
);

test('in no order of events is more than one let through between opening and closing', () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 4 }),
      (steps, failuresMax) => {
        const { breaker, wait } = start(failuresMax);
        let passes: { readonly pass: BreakerPass; readonly isTrial: boolean }[] = [];
        for (const next of steps) {
          const before = breaker.state();
          if (next.type === 'wait') {
            wait(next.ms);
          } else if (next.type === 'enter') {
            const pass = breaker.enter();
            if (before === 'closed') assert.ok(pass !== undefined);
            if (before === 'open') assert.equal(pass, undefined);
            if (pass !== undefined) passes.push({ pass, isTrial: before === 'half-open' });
            assert.ok(passes.filter(({ isTrial }) => isTrial).length <= 1);
          } else {
            const entry = passes[next.which % Math.max(passes.length, 1)];
            if (entry === undefined) continue;
            entry.pass[next.type]();
            passes = passes.filter((other) => other !== entry);
            // Nothing but a trial closes it, and a success never opens it.
            if (before !== 'closed' && !entry.isTrial) assert.equal(breaker.state(), before);
            if (next.type !== 'fail')
              assert.notEqual(before === 'closed' && breaker.state(), 'open');
          }
          assert.equal(breaker.retryAfterMs() > 0, breaker.state() === 'open');
        }
      },
    ),
  );
});
