import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { ApprovalGate } from '@modelhost/kernel';
import { callRequest, nowMs, toolOf } from './fixtures/requests.ts';
import { approvedFor } from './gates.ts';

const tool = toolOf({});
const names = ['ann', 'bob', 'cid', 'dan'];
const someVotes = fc.array(
  fc.record({
    subject: fc.constantFrom(...names),
    roles: fc.subarray(['ops', 'sec', 'law']),
  }),
  { maxLength: 6 },
);
const someGate: fc.Arbitrary<ApprovalGate> = fc.record({
  approvers: fc.subarray(['ops', 'sec', 'law']),
  quorum: fc.integer({ min: 1, max: 3 }),
  isSelfApprovalAllowed: fc.boolean(),
});

type Votes = NonNullable<Parameters<typeof approvedFor>[0]['context']['approval']>['votes'];

function isApproved(votes: Votes, gates: readonly ApprovalGate[]): boolean {
  const approval = { callDigest: 'digest-1', votes, expiresAtMs: nowMs + 1 };
  return approvedFor(callRequest(tool, {}, { approval }), gates) !== undefined;
}

suite('votes and gates', () => {
  test('an approval passes exactly if for each gate enough different people with its roles said yes', () => {
    fc.assert(
      fc.property(someVotes, fc.array(someGate, { minLength: 1, maxLength: 3 }), (votes, gates) => {
        const maySelf = gates.every(({ isSelfApprovalAllowed }) => isSelfApprovalAllowed);
        const isEnough = gates.every(({ approvers, quorum }) => {
          const people = names.filter(
            (name) =>
              (maySelf || name !== 'ann') &&
              votes.some(
                ({ subject, roles }) =>
                  subject === name &&
                  (approvers.length === 0 || approvers.some((role) => roles.includes(role))),
              ),
          );
          return people.length >= quorum;
        });
        assert.equal(isApproved(votes, gates), isEnough);
      }),
      { numRuns: 500 },
    );
  });

  test('a vote more never takes an approval back, and a gate more never gives one', () => {
    fc.assert(
      fc.property(
        someVotes,
        someVotes,
        fc.array(someGate),
        someGate,
        (votes, more, gates, gate) => {
          if (isApproved(votes, gates)) assert.ok(isApproved([...votes, ...more], gates));
          if (gates.length > 0 && isApproved(votes, [...gates, gate])) {
            assert.ok(isApproved(votes, gates));
          }
        },
      ),
    );
  });

  test('rules see those who counted, each once and sorted', () => {
    const votes = [
      { subject: 'dan', roles: ['ops'] },
      { subject: 'bob', roles: ['ops', 'sec'] },
      { subject: 'bob', roles: ['ops'] },
      { subject: 'cid', roles: ['law'] },
      { subject: 'ann', roles: ['ops'] },
    ];
    const approval = { callDigest: 'digest-1', votes, expiresAtMs: nowMs + 1 };
    const gate = { approvers: ['ops'], quorum: 2, isSelfApprovalAllowed: false };
    assert.deepEqual(approvedFor(callRequest(tool, {}, { approval }), [gate]), {
      callDigest: 'digest-1',
      approvers: ['bob', 'dan'],
      expiresAtMs: nowMs + 1,
    });
  });

  test('without a gate one other person has to say yes', () => {
    assert.ok(isApproved([{ subject: 'bob', roles: [] }], []));
    assert.ok(!isApproved([{ subject: 'ann', roles: [] }], []));
    assert.ok(!isApproved([], []));
  });
});
