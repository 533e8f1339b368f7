import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import type { AuditRecord, Decision } from '@modelhost/kernel';
import { acceptRun } from './accept-run.ts';
import type { AcceptRunPorts } from './accept-run.ts';
import { createRandomIds, createSystemClock } from './clock.ts';
import { checkedSpec } from './fixtures/checked-spec.ts';

const principal = { tenant: 'acme', subject: 'ann', roles: [] };
const reasons = [{ rule: 'r', message: 'because' }];

/** Ports around one decision and one answer of the engine; only what taking a run in uses is there. */
function portsWith(decision: Decision, start: () => { created: boolean }) {
  const records: AuditRecord[] = [];
  const ports = {
    engine: { status: () => undefined, start: async () => start() },
    policy: { decide: async () => decision, digest: () => '' },
    audit: {
      append: async (record: AuditRecord) => {
        records.push(record);
        return { index: 0, hash: '' };
      },
    },
    clock: createSystemClock(),
    ids: createRandomIds(),
    // The other members of the ports are never reached.
  } as unknown as AcceptRunPorts;
  return { ports, records };
}

test('a run that is taken in is on record before it starts', async () => {
  const kinds: (readonly string[])[] = [];
  const { ports, records } = portsWith({ effect: 'allow', reasons, policyDigest: 'd' }, () => {
    kinds.push(records.map(({ kind }) => kind));
    return { created: true };
  });
  const { created } = await acceptRun(ports, principal, checkedSpec);
  assert.equal(created, true);
  assert.deepEqual(kinds, [['run-accepted']]);
});

test('a run that policy refuses never reaches the engine, and the refusal names the rule', async () => {
  const { ports, records } = portsWith({ effect: 'deny', reasons, policyDigest: 'd' }, () =>
    assert.fail('it was started'),
  );
  await assert.rejects(acceptRun(ports, principal, checkedSpec), {
    code: 'policy_violation',
    facts: { action: 'AcceptInput', rule: 'r' },
  });
  assert.deepEqual(
    records.map(({ kind }) => kind),
    ['run-refused'],
  );
});

test('a run that the engine does not take is on record as refused, with the code', async () => {
  const { ports, records } = portsWith({ effect: 'allow', reasons, policyDigest: 'd' }, () => {
    throw new HostError('draining', 'the host is shutting down');
  });
  await assert.rejects(acceptRun(ports, principal, checkedSpec), { code: 'draining' });
  assert.deepEqual(
    records.map(({ kind, facts }) => [kind, facts['code']]),
    [
      ['run-accepted', undefined],
      ['run-refused', 'draining'],
    ],
  );
});
