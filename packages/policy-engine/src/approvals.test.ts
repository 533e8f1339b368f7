import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ApprovalFact, Decision } from '@modelhost/kernel';
import { noObligations } from '@modelhost/kernel';
import { pointOf } from './fixtures/decision-points.ts';
import { callRequest, modelRequest, nowMs, toolOf } from './fixtures/requests.ts';
import type { RequestChange } from './fixtures/requests.ts';

const permit = '@id("permit") permit (principal, action, resource);';
const unlessApproved = `unless { context has approval &&
  context.approval.callDigest == context.callDigest && context.now < context.approval.expires }`;
const boss = approvalBy('boss');
const self = approvalBy('ann');

/** Each votes once, with the roles after its name. */
function approvalBy(...voters: readonly string[]): ApprovalFact {
  const votes = voters.map((voter) => {
    const [subject = '', ...roles] = voter.split(' ');
    return { subject, roles };
  });
  return { callDigest: 'digest-1', votes, expiresAtMs: nowMs + 1 };
}

function gate(id: string, annotations = '', condition = unlessApproved): string {
  return `@id("${id}") @remedy("approval") ${annotations}
    forbid (principal, action in ModelHost::Action::"CallTool", resource) ${condition};`;
}

function decide(rules: readonly string[], change?: RequestChange): Promise<Decision> {
  return pointOf(rules.join('\n')).decide(callRequest(toolOf({}), {}, change));
}

function brief({ effect, reasons }: Decision): string {
  return `${effect} ${reasons.map(({ rule }) => rule).join()}`;
}

suite('holding a call for approval', () => {
  test('says who has to approve and for how long: every gate, the shortest time', async () => {
    const decision = await decide([
      permit,
      gate('b', '@approvers("ops, admin") @ttl_seconds("60")'),
      gate('a', '@approvers("sec,admin") @ttl_seconds("3600") @message("why")'),
      gate('c', '', 'when { false }'),
    ]);
    assert.equal(decision.effect, 'hold');
    assert.deepEqual(decision, {
      effect: 'hold',
      remedies: ['approval'],
      gates: [
        { approvers: ['admin', 'ops'], quorum: 1, isSelfApprovalAllowed: false },
        { approvers: ['admin', 'sec'], quorum: 1, isSelfApprovalAllowed: false },
      ],
      ttlMs: 60_000,
      obligations: noObligations,
      policyDigest: 'digest',
      bundles: [],
      reasons: [
        { rule: 'a', message: 'why' },
        { rule: 'b', message: 'forbid by rule b' },
      ],
    });
  });

  test('a rule without a time means 900 seconds', async () => {
    const decision = await decide([permit, gate('a', '@ttl_seconds("3600")'), gate('b')]);
    assert.ok(decision.effect === 'hold');
    assert.equal(decision.ttlMs, 900_000);
  });

  test('one forbid without a remedy denies at once', async () => {
    const plain = '@id("never") forbid (principal, action, resource);';
    assert.equal(brief(await decide([permit, gate('a'), plain])), 'deny a,never');
    assert.equal(brief(await decide([permit, gate('a'), plain], { approval: boss })), 'deny never');
  });

  test('nobody is asked to approve what no rule permits', async () => {
    assert.equal(brief(await decide([gate('a')])), 'deny a,default-deny');
  });

  test('a permit that fails denies instead of holding', async () => {
    const failing = `@id("fails") permit (principal, action in ModelHost::Action::"CallTool", resource)
      when { context.counters.tokens * 9223372036854775807 > 0 };`;
    assert.equal(brief(await decide([permit, failing, gate('a')])), 'deny fails');
  });

  test('what is no call, or has no digest to bind to, is denied', async () => {
    const text = `${permit} @id("a") @remedy("approval") forbid (principal, action, resource);`;
    const engine = pointOf(text);
    assert.equal(brief(await engine.decide(modelRequest('m'))), 'deny a');
    const unbound = callRequest(toolOf({}), {}, { callDigest: '' });
    assert.equal(brief(await engine.decide(unbound)), 'deny a');
    assert.equal(brief(await engine.decide(callRequest(toolOf({}), {}))), 'hold a');
  });
});

suite('an approval', () => {
  test('of exactly this call, in time and by somebody else, lets it pass', async () => {
    assert.equal(brief(await decide([permit, gate('a')], { approval: boss })), 'allow permit');
  });

  test('that does not match is as good as none, even where the rule does not look', async () => {
    const lax = gate('a', '', 'unless { context has approval }');
    const useless: readonly RequestChange[] = [
      { approval: { ...boss, callDigest: 'digest-2' } },
      { approval: { ...boss, callDigest: '' }, callDigest: '' },
      { approval: { ...boss, expiresAtMs: nowMs } },
      { approval: { ...boss, expiresAtMs: Number.POSITIVE_INFINITY } },
      { approval: boss, nowMs: nowMs + 1 },
      { approval: self },
      { approval: approvalBy('Ann'), subject: 'Ann' },
    ];
    for (const change of useless) {
      for (const rule of [gate('a'), lax]) {
        assert.notEqual((await decide([permit, rule], change)).effect, 'allow');
      }
    }
    assert.equal((await decide([permit, lax], { approval: boss })).effect, 'allow');
  });

  test('by the one who asks counts only where every rule that holds the call allows it', async () => {
    const allowing = gate('a', '@self_approval("allowed")');
    const change = { approval: self };
    assert.equal(brief(await decide([permit, allowing], change)), 'allow permit');
    assert.equal(brief(await decide([permit, allowing, gate('b')], change)), 'hold a,b');
    const silent = gate('c', '', 'when { false }');
    assert.equal(brief(await decide([permit, allowing, silent], change)), 'allow permit');
    const plain = '@id("never") forbid (principal, action, resource);';
    assert.equal(brief(await decide([permit, allowing, plain], change)), 'deny never');
  });

  test('by the one who asks gives no permit that waits for an approval', async () => {
    const onlyApproved = `@id("approved") permit (principal, action in ModelHost::Action::"CallTool", resource)
      when { context has approval };`;
    assert.equal(brief(await decide([onlyApproved], { approval: self })), 'deny default-deny');
    assert.equal(brief(await decide([onlyApproved], { approval: boss })), 'allow approved');
  });

  test('never lifts a forbid that does not ask for it', async () => {
    const stubborn = gate('a', '', 'when { true }');
    assert.equal(brief(await decide([permit, stubborn], { approval: boss })), 'hold a');
  });
});
