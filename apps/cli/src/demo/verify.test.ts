import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { openAuditFile } from '@modelhost/audit';
import { verifyApart } from './verify.ts';

const main = fileURLToPath(new URL('../main.ts', import.meta.url));

test('another process says whether the audit file is intact', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'verify-'));
  const path = join(directory, 'audit.jsonl');
  const audit = await openAuditFile({ path, now: () => 1_700_000_000_000 });
  const record = { tenant: '', runId: '', step: '', actor: 'host', facts: {} };
  await audit.append({ kind: 'host-started', ...record });
  await audit.close();
  const printed: string[] = [];
  const said: string[] = [];
  const context = {
    program: [process.execPath, main] as const,
    environment: {},
    print: (text: string) => void printed.push(text),
    say: (text: string) => void said.push(text),
  };
  assert.equal(await verifyApart(context, path), true);
  assert.match(printed.join(''), /^audit .*: intact, 1 record, head /);
  assert.deepEqual(said, []);

  await truncate(path, 40);
  assert.equal(await verifyApart(context, path), false);
  assert.match(said.join(''), /^audit: not verified: .*audit\.jsonl:1: /);
  await rm(directory, { recursive: true });
});
