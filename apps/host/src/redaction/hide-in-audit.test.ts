import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadKeys } from '@modelhost/keys-file';
import type { AuditRecord } from '@modelhost/kernel';
import { createHostRedactor } from '@modelhost/redaction';
import { hideInAudit } from './hide-in-audit.ts';

// Built from parts, so that no scanner takes it for a real one.
const token = ['ghp', 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5'].join('_');
const environmentValue = Buffer.alloc(32, 7).toString('base64');
const keys = await loadKeys({ path: 'unused', environmentValue });
const redactor = createHostRedactor({ always: { secrets: 'token' }, keys });

test('texts of a record are hidden, digests and what is sealed stay to the last character', async () => {
  const appended: AuditRecord[] = [];
  const audit = hideInAudit(
    {
      append: async (record) => {
        appended.push(record);
        return { index: 0, hash: '' };
      },
      head: () => undefined,
      check: async () => {},
      close: async () => {},
    },
    redactor,
  );
  const commit = keys.commit('x', 'y');
  const sealed = { ...keys.seal(token, 'z') };
  const facts = { argumentsCommit: commit, sealedArguments: sealed, count: 1, none: null };
  const record = { kind: 'outcome', tenant: 't', runId: 'r', step: 's', actor: 'a' } as const;
  await audit.append({ ...record, facts: { ...facts, tool: token, rules: ['r', `of ${token}`] } });
  assert.deepEqual(appended, [
    { ...record, facts: { ...facts, tool: '[SECRET]', rules: ['r', 'of [SECRET]'] } },
  ]);
});
