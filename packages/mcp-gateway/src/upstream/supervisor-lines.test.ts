import assert from 'node:assert/strict';
import test from 'node:test';
import type { Principal } from '@modelhost/kernel';
import { isHostError } from '../fixtures/start-gateway.ts';
import type { HealthStatus } from './supervisor-health.ts';
import { createLines } from './supervisor-lines.ts';
import type { Lines, SubjectLine } from './supervisor-lines.ts';

/** A line as far as lines know it: whose it is, whether it is in use, whether it was closed. */
interface FakeLine {
  readonly subject: string;
  status: HealthStatus['state'];
  isClosed: boolean;
}

function start(linesMax: number): { readonly lines: Lines; readonly made: FakeLine[] } {
  const made: FakeLine[] = [];

  function createLine({ subject }: Principal): SubjectLine {
    const fake: FakeLine = { subject, status: 'idle', isClosed: false };
    made.push(fake);
    return {
      connect: () => Promise.reject(new Error('nobody connects here')),
      current: () => undefined,
      parkedAt: () => undefined,
      answered: () => {},
      failed: () => {},
      sinceAttemptMs: () => 0,
      status: () => ({ state: fake.status, error: undefined }),
      close: async () => {
        fake.isClosed = true;
      },
      watches: { watch: () => () => {}, isHeld: () => false, renew: () => {} },
    };
  }

  const subjectOf = ({ subject }: Principal): string => subject;
  return { lines: createLines({ alias: 'fix', linesMax, subjectOf, createLine }), made };
}

function principal(subject: string): Principal {
  return { tenant: 'acme', subject, roles: [] };
}

test('each subject has a line of its own, and keeps it', () => {
  const { lines, made } = start(3);
  const ann = lines.of(principal('ann'));
  assert.notEqual(lines.of(principal('bob')), ann);
  assert.equal(lines.of(principal('ann')), ann);
  assert.equal(made.length, 2);
});

test('when there is no room, the line that was used least lately is closed', () => {
  const { lines, made } = start(2);
  lines.of(principal('ann'));
  lines.of(principal('bob'));
  lines.of(principal('ann'));
  lines.of(principal('cid'));
  assert.deepEqual(
    made.map(({ subject, isClosed }) => [subject, isClosed]),
    [
      ['ann', false],
      ['bob', true],
      ['cid', false],
    ],
  );
});

test('a line in use is not closed for another one, which is refused when all are', () => {
  const { lines, made } = start(2);
  lines.of(principal('ann'));
  lines.of(principal('bob'));
  for (const line of made) line.status = 'connecting';
  assert.throws(() => lines.of(principal('cid')), isHostError('overloaded'));
  assert.deepEqual(
    made.map(({ isClosed }) => isClosed),
    [false, false],
  );
});

test('the server is as well as the best of its lines, and idle without any', async () => {
  const { lines, made } = start(4);
  assert.equal(lines.status().state, 'idle');
  for (const subject of ['ann', 'bob', 'cid']) lines.of(principal(subject));
  const states = ['open', 'degraded', 'failed'] as const;
  for (const [index, line] of made.entries()) line.status = states[index] ?? 'idle';
  assert.equal(lines.status().state, 'degraded');
  await lines.close();
  assert.equal(lines.status().state, 'closed');
  assert.ok(made.every(({ isClosed }) => isClosed));
});
