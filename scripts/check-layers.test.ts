import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { findImports } from './source-imports.ts';
import { makeTree, runScript } from './temporary-tree.ts';

const repository = fileURLToPath(new URL('..', import.meta.url));

/** The exit code and what was complained about. */
async function check(...args: readonly string[]): Promise<readonly [number, ...string[]]> {
  const { exitCode, problems } = await runScript('check-layers.ts', args);
  return [exitCode, ...problems];
}

function manifest(name: string, dependencies: readonly string[] = []): string {
  const versions: Record<string, string> = {};
  for (const dependency of dependencies) versions[`@modelhost/${dependency}`] = '0.1.0';
  return JSON.stringify({ name: `@modelhost/${name}`, dependencies: versions }, undefined, 2);
}

const soundTree: Readonly<Record<string, string>> = {
  'package.json': JSON.stringify({
    name: 'tree',
    workspaces: ['packages/*', 'apps/*', 'testkit'],
    devDependencies: { 'fast-check': '1.0.0' },
  }),
  'ARCHITECTURE.md':
    'Words.\n\n<!-- layers: written by `npm run generate`, checked by `npm run check` -->\n<!-- /layers -->\n\nMore.\n',
  'packages/kernel/package.json': manifest('kernel'),
  'packages/kernel/src/index.ts': "export { readFile } from 'node:fs/promises';\n",
  'packages/audit/package.json': manifest('audit', ['kernel']),
  'packages/audit/src/index.ts': "import { a } from '@modelhost/kernel';\nimport './file.ts';\n",
  'packages/audit/src/file.test.ts': "import fc from 'fast-check';\n",
  'packages/audit/src/fixtures/files.ts': "import fc from 'fast-check';\n",
  'packages/sdk/package.json': manifest('sdk'),
  'apps/host/package.json': manifest('host', ['kernel', 'audit']),
  'apps/cli/package.json': manifest('cli', ['host', 'sdk', 'audit']),
  'testkit/package.json': manifest('testkit', ['kernel', 'audit']),
};

/** A sound little workspace with some files replaced, its graph written. */
async function makeWorkspace(
  t: TestContext,
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const root = await makeTree(t, { ...soundTree, ...files });
  await check('--write', root);
  return root;
}

test('the repository itself keeps its layers', async () => {
  assert.deepEqual(await check(repository), [0]);
});

test('a sound tree passes, and the graph is written without the arrows that follow from others', async (t) => {
  const root = await makeWorkspace(t);
  assert.deepEqual(await check(root), [0]);
  const document = await readFile(join(root, 'ARCHITECTURE.md'), 'utf8');
  assert.match(document, /^Words\.\n[\s\S]*host --> audit\n[\s\S]*More\.\n$/);
  assert.match(document, /audit --> kernel/);
  assert.doesNotMatch(document, /host --> kernel|cli --> audit/);
});

const wrongTrees: readonly {
  readonly title: string;
  readonly files: Readonly<Record<string, string>>;
  readonly problem: string;
}[] = [
  {
    title: 'an import that package.json does not declare',
    files: { 'packages/kernel/src/index.ts': "\nimport { b } from '@modelhost/audit';\n" },
    problem:
      'packages/kernel/src/index.ts:2: imports @modelhost/audit, which packages/kernel/package.json does not declare',
  },
  {
    title: 'a package from outside that package.json does not declare',
    files: { 'packages/audit/src/index.ts': "const pino = await import('pino');\n" },
    problem:
      'packages/audit/src/index.ts:1: imports pino, which packages/audit/package.json does not declare',
  },
  {
    title: 'a test tool in a file that is no test',
    files: { 'packages/audit/src/index.ts': "import fc from 'fast-check';\n" },
    problem:
      'packages/audit/src/index.ts:1: imports fast-check, which packages/audit/package.json does not declare',
  },
  {
    title: 'a dependency that points up',
    files: { 'packages/kernel/package.json': manifest('kernel', ['audit']) },
    problem:
      'packages/kernel/package.json:4: @modelhost/kernel (level 1) must not import @modelhost/audit (level 3)',
  },
  {
    title: 'siblings that meet',
    files: {
      'packages/mcp-gateway/package.json': manifest('mcp-gateway', ['kernel', 'audit']),
    },
    problem:
      'packages/mcp-gateway/package.json:5: @modelhost/mcp-gateway (level 3) must not import @modelhost/audit (level 3)',
  },
  {
    title: 'a client library that knows more than the contract',
    files: { 'packages/sdk/package.json': manifest('sdk', ['kernel']) },
    problem:
      'packages/sdk/package.json:4: @modelhost/sdk (level 4) must not import @modelhost/kernel (level 1)',
  },
  {
    title: 'a command that reaches for an adapter',
    files: { 'apps/cli/package.json': manifest('cli', ['host', 'keys-file']) },
    problem:
      'apps/cli/package.json:5: @modelhost/cli (level 6) must not import @modelhost/keys-file (level 4)',
  },
  {
    title: 'an app imported by something other than the command',
    files: { 'testkit/package.json': manifest('testkit', ['host']) },
    problem:
      'testkit/package.json:4: @modelhost/testkit (no level) must not import @modelhost/host (level 5)',
  },
  {
    title: 'a package without a level',
    files: { 'packages/helpers/package.json': manifest('helpers') },
    problem:
      'packages/helpers/package.json:1: @modelhost/helpers has no level in scripts/layers.ts',
  },
  {
    title: 'a relative import that leaves its package',
    files: {
      'packages/audit/src/index.ts': "export {\n  a,\n} from '../../kernel/src/index.ts';\n",
    },
    problem:
      'packages/audit/src/index.ts:1: ../../kernel/src/index.ts leaves packages/audit; import the package by its name',
  },
  {
    title: 'an import that reaches into another package',
    files: {
      'packages/audit/src/index.ts': "import type { A } from '@modelhost/kernel/src/a.ts';\n",
    },
    problem:
      'packages/audit/src/index.ts:1: @modelhost/kernel/src/a.ts reaches into @modelhost/kernel; import what its index exports',
  },
];

for (const { title, files, problem } of wrongTrees) {
  test(`the layer check refuses ${title}`, async (t) => {
    assert.deepEqual(await check(await makeWorkspace(t, files)), [1, problem]);
  });
}

test('a graph that differs from the packages is refused, and so is a document without one', async (t) => {
  const root = await makeWorkspace(t);
  await writeFile(join(root, 'apps/host/package.json'), manifest('host', ['kernel']));
  assert.deepEqual(await check(root), [
    1,
    'ARCHITECTURE.md:3: the layer graph is old; run npm run generate',
  ]);
  await writeFile(join(root, 'ARCHITECTURE.md'), 'Words.\n');
  assert.deepEqual(await check('--write', root), [
    1,
    'ARCHITECTURE.md:1: the markers of the layer graph are missing',
  ]);
});

test('every form of import is found, and words in comments and texts are not', () => {
  const text = [
    "import a from 'one';",
    "import b, { type c } from 'two';",
    "import * as d from 'three';",
    "import type { e } from 'four';",
    "export * from 'five';",
    "export * as f from 'six';",
    "import 'seven';",
    "const g = await import('eight');",
    "// import h from 'nothing'",
    "const i = 'taken from';",
  ];
  assert.deepEqual(
    findImports(text.join('\n')).map(({ line, specifier }) => `${line} ${specifier}`),
    ['1 one', '2 two', '3 three', '4 four', '5 five', '6 six', '7 seven', '8 eight'],
  );
});
