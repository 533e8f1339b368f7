import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { changedSince, freeReportName, takeInventory } from './workspace.ts';

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
  const earlier = await takeInventory(folder);
  assert.deepEqual([...earlier.keys()], []);
  const path = join(folder, 'good.txt');
  await writeFile(path, 'x');
  assert.deepEqual(await changedSince(folder, earlier), [path]);
});

test('the name of the report is one that nothing in the folder has', async () => {
  assert.equal(await freeReportName(folder), 'report.md');
  await writeFile(join(folder, 'Report.md'), 'mine');
  assert.equal(await freeReportName(folder), 'report-2.md');
  // Writing through a link that leads nowhere would make a file where it leads.
  await symlink(join(folder, 'nowhere'), join(folder, 'report-2.md'));
  assert.equal(await freeReportName(folder), 'report-3.md');
});
