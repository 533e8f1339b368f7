import assert from 'node:assert/strict';
import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeDirectory } from '../fixtures/started-host.ts';
import { readDataRecord, writeDataRecord } from './data-record.ts';

test('what a crash left beside a record neither opens the next one to others nor leads it elsewhere', async (t) => {
  const directory = makeDirectory(t);
  const record = { known: { pins: { atMs: 7 } }, accepted: [] };
  const [path, elsewhere] = [join(directory, 'store.json'), join(directory, 'elsewhere')];
  writeFileSync(`${path}.new`, 'half', { mode: 0o644 });
  await writeDataRecord(directory, record);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  writeFileSync(elsewhere, 'text');
  symlinkSync(elsewhere, `${path}.new`);
  await writeDataRecord(directory, record);
  assert.equal(readFileSync(elsewhere, 'utf8'), 'text');
  assert.deepEqual(await readDataRecord(directory), record);
});
