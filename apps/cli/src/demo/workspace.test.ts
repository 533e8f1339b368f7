import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { changedSince, takeInventory } from './workspace.ts';

let folder = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'workspace-test-'));
});
after(async () => rm(folder, { recursive: true }));

test('a file whose name is no UTF-8 is not in the inventory and does not end it', async (t) => {
  const name = Buffer.concat([Buffer.from(`${folder}/bad-`), Buffer.from([0xff])]);
  const isPossible = await writeFile(name, 'x').then(
    () => true,
    () => false,
  );
  if (!isPossible) return t.skip('this file system has no such names');
  const before = await takeInventory(folder);
  assert.deepEqual([...before.keys()], []);
  const path = join(folder, 'good.txt');
  await writeFile(path, 'x');
  assert.deepEqual(await changedSince(folder, before), [path]);
});
