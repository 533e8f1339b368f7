import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ApprovalGate } from '@modelhost/kernel';
import fc from 'fast-check';
import { countVotes, isVoteWanted } from './approval-votes.ts';

const lead: ApprovalGate = { approvers: ['lead'], quorum: 2, isSelfApprovalAllowed: false };
const anybody: ApprovalGate = { approvers: [], quorum: 1, isSelfApprovalAllowed: true };

const roles = fc.uniqueArray(fc.constantFrom('lead', 'chief', 'audit'), { maxLength: 2 });
const subject = fc.constantFrom('ann', 'bob', 'cem', 'dan', 'eve');
const gates = fc.array(
  fc.record({
    approvers: roles,
    quorum: fc.integer({ min: 1, max: 3 }),
    isSelfApprovalAllowed: fc.boolean(),
  }),
  { minLength: 1, maxLength: 3 },
);

suite('votes at gates', () => {
  test('one person counts once, and the one who asks does not count', () => {
    const ann = { subject: 'ann', roles: ['lead'] };
    const bob = { subject: 'bob', roles: ['lead'] };
    assert.deepEqual(countVotes([lead], [], 'ann'), {
      votesMissing: 2,
      approvers: ['lead'],
      refused: ['ann'],
    });
    assert.deepEqual(countVotes([lead], [bob], 'ann'), {
      votesMissing: 1,
      approvers: ['lead'],
      refused: ['ann', 'bob'],
    });
    assert.equal(isVoteWanted([lead], [], { asker: 'ann', ...ann }), false);
    assert.equal(isVoteWanted([lead], [bob], { asker: 'ann', ...bob }), false);
    assert.equal(isVoteWanted([lead], [], { asker: 'ann', subject: 'cem', roles: [] }), false);
    assert.equal(countVotes([lead], [bob, { ...ann, subject: 'cem' }], 'ann').votesMissing, 0);
  });

  test('only the gates that are open say who is wanted', () => {
    const bob = { subject: 'bob', roles: ['lead'] };
    assert.deepEqual(countVotes([lead, anybody], [], 'ann'), {
      votesMissing: 2,
      approvers: [],
      refused: ['ann'],
    });
    assert.deepEqual(countVotes([anybody], [], 'ann').refused, []);
    assert.equal(isVoteWanted([anybody], [], { asker: 'ann', subject: 'ann', roles: [] }), true);
    assert.deepEqual(countVotes([lead, anybody], [bob], 'ann'), {
      votesMissing: 1,
      approvers: ['lead'],
      refused: ['ann', 'bob'],
    });
  });

  test('whatever people say, a gate is passed by as many different people as it wants', () => {
    fc.assert(
      fc.property(gates, fc.array(fc.record({ subject, roles })), (given, cast) => {
        const votes: { subject: string; roles: string[] }[] = [];
        for (const vote of cast) {
          const before = countVotes(given, votes, 'ann');
          const isWanted = isVoteWanted(given, votes, { asker: 'ann', ...vote });
          if (before.votesMissing === 0 || before.refused.includes(vote.subject)) {
            assert.ok(!isWanted);
          }
          if (isWanted) votes.push(vote);
        }
        assert.equal(new Set(votes.map((vote) => vote.subject)).size, votes.length);
        if (countVotes(given, votes, 'ann').votesMissing > 0) return;
        const isSelfAllowed = given.every((gate) => gate.isSelfApprovalAllowed);
        for (const { approvers, quorum } of given) {
          const counted = votes.filter(
            (vote) =>
              (isSelfAllowed || vote.subject !== 'ann') &&
              (approvers.length === 0 || approvers.some((role) => vote.roles.includes(role))),
          );
          assert.ok(counted.length >= quorum);
        }
      }),
    );
  });
});
