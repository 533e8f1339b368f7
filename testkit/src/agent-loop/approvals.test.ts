import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ApprovalGate, PolicyRequest, RunStatus, SignalPayload } from '@modelhost/kernel';
import { anybody } from './decision.ts';
import type { GivenDecision } from './decision.ts';
import { createTool } from './outside.ts';
import type { OutsideOptions } from './outside.ts';
import { assertReplays, bodies, play } from './play.ts';
import type { Played, React } from './play.ts';

const leads: ApprovalGate = { approvers: ['lead'], quorum: 2, isSelfApprovalAllowed: false };
const payment = { ...createTool('desk__pay', 'irreversible'), decisionArguments: ['to'] };

/** A call that is held until policy is given votes; what it says then is `second`. */
function worldOf(
  gates: readonly ApprovalGate[],
  second: GivenDecision = { effect: 'allow' },
): OutsideOptions {
  return {
    turns: [{ calls: [['desk__pay', '{"to":"kim"}']] }, { text: 'done' }],
    tools: [payment],
    decide: ({ action, context }: PolicyRequest) => {
      if (action !== 'CallTool') return { effect: 'allow' };
      return context.approval === undefined ? { effect: 'hold', gates } : second;
    },
  };
}

function voteOf(by: string, approved = true, roles: readonly string[] = ['lead']): SignalPayload {
  return { type: 'approval', approved, by, roles, comment: '' };
}

/** Casts the votes at once, in this order; a signal that comes before it is waited for is kept. */
function casting(...votes: readonly SignalPayload[]): React {
  return (body, act) => {
    if (body.type !== 'approval-requested') return undefined;
    return Promise.all(
      votes.map(async (vote, index) =>
        act.signal(`approval/${body.approvalId}/${index + 1}`, vote),
      ),
    );
  };
}

function outcomeOf(played: Played): string | undefined {
  return bodies(played, 'tool-finished')[0]?.outcome;
}

function approvalRecords(played: Played): readonly unknown[] {
  return played.outside.records
    .filter(({ kind }) => kind === 'approval')
    .map(({ actor, facts }) => [actor, facts['approved'], facts['votesMissing']]);
}

suite('an approval', () => {
  test('shows its gates and where the values come from', async () => {
    const played = await play(
      worldOf([leads]),
      { input: [{ type: 'text', text: 'pay Kim' }] },
      casting(voteOf('bob'), voteOf('cem')),
    );
    const [requested] = bodies(played, 'approval-requested');
    assert.deepEqual(requested?.gates, [leads]);
    assert.deepEqual(requested?.origins, [{ path: 'to', origin: 'prompt', sources: ['prompt'] }]);
  });

  test('takes as many different people as its gate wants, one after the other, each on record', async () => {
    const seen: RunStatus['waitingFor'][] = [];
    const cast = casting(voteOf('bob'), voteOf('cem'));
    const look: React = (body, act) => {
      if (body.type === 'approval-requested') {
        return (async () => {
          await act.settle();
          seen.push(await act.waitingFor());
          await act.signal(`approval/${body.approvalId}/1`, voteOf('bob'));
          await act.settle();
          seen.push(await act.waitingFor());
          await act.signal(`approval/${body.approvalId}/2`, voteOf('cem'));
        })();
      }
      return undefined;
    };
    const played = await play(worldOf([leads]), {}, look);
    assert.equal(outcomeOf(played), 'ok');
    assert.deepEqual(
      seen.map(([pending]) => [pending?.approvers, pending?.refused]),
      [
        [['lead'], ['user@acme']],
        [['lead'], ['bob', 'user@acme']],
      ],
    );
    assert.deepEqual(approvalRecords(played), [
      ['bob', true, 1],
      ['cem', true, 0],
    ]);
    assert.deepEqual(
      bodies(played, 'approval-vote').map(({ by, votesMissing }) => [by, votesMissing]),
      [['bob', 1]],
    );
    assert.equal(bodies(played, 'approval-resolved')[0]?.by, 'cem');
    await assertReplays(await play(worldOf([leads]), {}, cast));
  });

  test('goes to policy with the votes, for exactly this call, and policy has the last word', async () => {
    const cast = casting(voteOf('bob'), voteOf('cem', true, ['lead', 'chief']));
    const played = await play(worldOf([leads], { effect: 'deny' }), {}, cast);
    assert.equal(outcomeOf(played), 'denied');
    assert.equal(played.outside.calls.length, 0);
    const [first, second] = played.outside.questions.filter(({ action }) => action === 'CallTool');
    assert.deepEqual(second?.context.approval?.votes, [
      { subject: 'bob', roles: ['lead'] },
      { subject: 'cem', roles: ['lead', 'chief'] },
    ]);
    assert.equal(second?.context.approval?.callDigest, first?.context.callDigest);
    const again = await play(worldOf([leads], { effect: 'hold' }), {}, cast);
    assert.equal(outcomeOf(again), 'denied');
    assert.equal(bodies(again, 'approval-requested').length, 1);
  });

  for (const [title, votes, outcome] of [
    ['the same person twice', [voteOf('bob'), voteOf('bob'), voteOf('cem')], 'ok'],
    ['the one whose call it is', [voteOf('user@acme'), voteOf('bob'), voteOf('cem')], 'ok'],
    ['somebody without the role', [voteOf('eve', true, []), voteOf('bob'), voteOf('cem')], 'ok'],
    ['one person alone, ever again', Array.from({ length: 40 }, () => voteOf('bob')), 'denied'],
  ] as const) {
    test(`does not count ${title}, though the edge had let it through`, async () => {
      const played = await play(worldOf([leads]), {}, casting(...votes));
      assert.equal(outcomeOf(played), outcome);
      const fact = played.outside.questions.findLast(({ action }) => action === 'CallTool');
      const voters = fact?.context.approval?.votes.map(({ subject }) => subject);
      assert.deepEqual(voters, outcome === 'ok' ? ['bob', 'cem'] : undefined);
      assert.ok(approvalRecords(played).length <= 32);
    });
  }

  test('is over with the first no, also after a yes', async () => {
    const votes = [voteOf('bob'), voteOf('cem', false), voteOf('dan')];
    const played = await play(worldOf([leads]), {}, casting(...votes));
    assert.equal(outcomeOf(played), 'denied');
    assert.deepEqual(approvalRecords(played).length, 2);
    assert.equal(bodies(played, 'approval-resolved')[0]?.by, 'cem');
  });

  test('may be the asker’s own where its gate says so', async () => {
    const own = { ...anybody, isSelfApprovalAllowed: true };
    const played = await play(worldOf([own]), {}, casting(voteOf('user@acme')));
    assert.equal(outcomeOf(played), 'ok');
  });

  test('passes every gate that there is', async () => {
    const chief = { ...anybody, approvers: ['chief'] };
    const votes = [voteOf('bob'), voteOf('cem', true, ['lead', 'chief'])];
    const played = await play(worldOf([leads, chief]), {}, casting(...votes));
    assert.equal(outcomeOf(played), 'ok');
    const short = await play(worldOf([leads, chief]), {}, (body, act) => {
      if (body.type === 'approval-vote') return act.pass(10_000);
      return casting(voteOf('bob'))(body, act);
    });
    assert.equal(outcomeOf(short), 'denied');
    assert.equal(bodies(short, 'approval-resolved')[0]?.by, 'timeout');
  });

  test('has one time for all of its votes', async () => {
    const played = await play(worldOf([leads]), {}, (body, act) => {
      if (body.type === 'approval-requested') {
        return (async () => {
          await act.pass(9_000);
          await act.signal(`approval/${body.approvalId}/1`, voteOf('bob'));
        })();
      }
      return body.type === 'approval-vote' ? act.pass(1_000) : undefined;
    });
    assert.equal(bodies(played, 'approval-resolved')[0]?.by, 'timeout');
    assert.equal(outcomeOf(played), 'denied');
  });

  test('is not asked for where something else is needed, and that is said', async () => {
    for (const [remedies, gates, message] of [
      [['approval', 'step_up'], [anybody], /it needs approval and step_up/],
      [['wait'], [], /it needs wait/],
      [['approval'], [], /it needs approval/],
    ] as const) {
      const played = await play({
        ...worldOf([]),
        decide: ({ action }) =>
          action === 'CallTool' ? { effect: 'hold', remedies, gates } : { effect: 'allow' },
      });
      assert.equal(outcomeOf(played), 'denied');
      assert.match(bodies(played, 'tool-finished')[0]?.content ?? '', message);
      assert.deepEqual(bodies(played, 'approval-requested'), []);
    }
  });
});
