import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { makeTree, runGit, runScript } from './temporary-tree.ts';

const tidyTree: Readonly<Record<string, string>> = {
  'package.json': '{ "name": "tree", "workspaces": ["packages/*"] }',
  '.gitignore': 'ignored/\n',
  'ignored/notes.md': unmark('TO~DO'),
  'packages/kernel/package.json': '{ "name": "kernel" }',
  'packages/kernel/README.md': 'Purpose: https://example.org/home/page, src/work/item.ts\n',
  'packages/kernel/src/a.test.ts':
    "test('b', { skip: isWindows && 'no signals there' }, () => {});\n",
};

/** The `~` keeps the check from finding its own test. */
function unmark(text: string): string {
  return text.replaceAll('~', '');
}

async function problemsOf(
  t: TestContext,
  files: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const root = await makeTree(t, { ...tidyTree, ...files });
  await runGit(root, 'init', '--quiet');
  const { exitCode, problems } = await runScript('check-tidy.ts', [root]);
  assert.equal(exitCode, problems.length > 0 ? 1 : 0);
  return problems;
}

test('a tidy tree passes; what git ignores is not looked at', async (t) => {
  assert.deepEqual(await problemsOf(t, {}), []);
});

test('postponed work, focused and silently skipped tests and paths of a machine are refused', async (t) => {
  const lines = [
    '// FIX~ME later',
    "test.on~ly('a', () => {});",
    "test.sk~ip('a', () => {});",
    "test('a', { skip: tr~ue }, () => {});",
    "const path = '/ho~me/somebody/file';",
  ].map(unmark);
  const problems = await problemsOf(t, { 'packages/kernel/src/b.test.ts': lines.join('\n') });
  assert.deepEqual(
    problems.map((problem) => problem.split(': ')[0]),
    lines.map((_, index) => `packages/kernel/src/b.test.ts:${index + 1}`),
  );
});

test('a package without a README is refused', async (t) => {
  const problems = await problemsOf(t, { 'packages/audit/package.json': '{ "name": "audit" }' });
  assert.deepEqual(problems, ['packages/audit/README.md is missing']);
});

test('the kernel may have 1,000 lines of code, and comments and tests are none', async (t) => {
  const code = 'code();\n// why\n\n';
  const full = { 'packages/kernel/src/a.ts': code.repeat(1_000) };
  assert.deepEqual(await problemsOf(t, full), []);
  assert.deepEqual(await problemsOf(t, { ...full, 'packages/kernel/src/b.ts': code }), [
    'packages/kernel: 1001 lines of code; at most 1000',
  ]);
});
