import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { makeTree, runGit, runScript } from './temporary-tree.ts';

function contract(type: string): string {
  return `syntax = "proto3";\npackage a.v1;\nmessage B {\n  ${type} c = 1;\n}\n`;
}

/** A repository with one commit, whose contract has a field of type int64. */
async function makeRepository(t: TestContext): Promise<string> {
  const root = await makeTree(t, {
    'buf.yaml': 'version: v2\nmodules:\n  - path: proto\n',
    'proto/a/v1/b.proto': contract('int64'),
  });
  await runGit(root, 'init', '--quiet');
  await commit(root);
  return root;
}

async function commit(root: string): Promise<void> {
  await runGit(root, 'add', '.');
  await runGit(root, 'commit', '--quiet', '--allow-empty', '--message', 'Change');
}

test('a contract with nothing to compare with passes and says so', async (t) => {
  const { exitCode, stdout } = await runScript('check-breaking.ts', [], await makeRepository(t));
  assert.equal(exitCode, 0);
  assert.match(stdout, /^nothing to compare with/);
});

test('before the first tag a changed field is refused against the parent of HEAD', async (t) => {
  const root = await makeRepository(t);
  await writeFile(join(root, 'proto/a/v1/b.proto'), contract('int32'));
  await commit(root);
  const { exitCode, stdout } = await runScript('check-breaking.ts', [], root);
  assert.equal(exitCode, 1);
  assert.match(stdout, /^compared with HEAD\^\n[\s\S]*int64.*int32/);
});

test('a tag with a contract counts more than the parent of HEAD', async (t) => {
  const root = await makeRepository(t);
  await runGit(root, 'tag', 'v1.0.0');
  await writeFile(join(root, 'proto/a/v1/b.proto'), contract('int32'));
  await commit(root);
  await commit(root);
  const { exitCode, stdout } = await runScript('check-breaking.ts', [], root);
  assert.equal(exitCode, 1);
  assert.match(stdout, /^compared with v1\.0\.0\n/);
});
