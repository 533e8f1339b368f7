import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadKeys } from '@modelhost/keys-file';
import type { AuditLog, AuditRecord } from '@modelhost/kernel';
import { createHostRedactor } from '@modelhost/redaction';
import { createAuditList } from '../fixtures/audit-list.ts';
import { hideInAudit } from './hide-in-audit.ts';

// Built from parts, so that no scanner takes it for a real one.
const token = ['ghp', 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5'].join('_');
const environmentValue = Buffer.alloc(32, 7).toString('base64');
const keys = await loadKeys({ path: 'unused', environmentValue });
const redactor = createHostRedactor({ always: { secrets: 'token' }, keys });

const record = { kind: 'outcome', tenant: 't', runId: 'r', step: 's', actor: 'a' } as const;

function openLog(): { readonly audit: AuditLog; readonly appended: AuditRecord[] } {
  const appended: AuditRecord[] = [];
  return { audit: hideInAudit(createAuditList(appended), redactor), appended };
}

test('texts of a record are hidden, digests and what is sealed stay to the last character', async () => {
  const { audit, appended } = openLog();
  const commit = keys.commit('x', 'y');
  const sealed = { ...keys.seal(token, 'z') };
  const facts = { argumentsCommit: commit, sealedArguments: sealed, count: 1, none: null };
  await audit.append({ ...record, facts: { ...facts, tool: token, rules: ['r', `of ${token}`] } });
  assert.deepEqual(appended, [
    { ...record, facts: { ...facts, tool: '[SECRET]', rules: ['r', 'of [SECRET]'] } },
  ]);
});

test('what is hidden is hidden in every record, whatever came in the records before', async () => {
  const { audit, appended } = openLog();
  const facts = (at: number): AuditRecord['facts'] => ({ tool: `echo-${at}`, rules: [token] });
  for (let at = 0; at < 3_000; at += 1) await audit.append({ ...record, facts: facts(at % 1_500) }); // oxlint-disable-line no-await-in-loop
  assert.deepEqual(
    appended.map((kept) => kept.facts),
    Array.from({ length: 3_000 }, (_none, at) => ({
      tool: `echo-${at % 1_500}`,
      rules: ['[SECRET]'],
    })),
  );
});
