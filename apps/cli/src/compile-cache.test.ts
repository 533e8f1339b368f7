import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const program = fileURLToPath(new URL('../bin/model-host.js', import.meta.url));

interface Home {
  readonly directory: string;
  /** Where the command keeps what it compiled, unless it is told otherwise. */
  readonly kept: string;
}

async function createHome(t: TestContext): Promise<Home> {
  const directory = await mkdtemp(join(tmpdir(), 'home-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return { directory, kept: join(directory, '.cache/model-host/compiled') };
}

/** Runs the installed command, which has to do its work wherever it keeps anything. */
async function runFrom({ directory }: Home, environment: NodeJS.ProcessEnv = {}): Promise<void> {
  const env = { PATH: dirname(process.execPath), HOME: directory, ...environment };
  const { stdout } = await promisify(execFile)(process.execPath, [program, '--version'], { env });
  assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
}

test('what the command compiled is kept for its user alone, in his cache', async (t) => {
  const home = await createHome(t);
  await runFrom(home);
  assert.ok((await readdir(home.kept, { recursive: true })).length > 10);
  for (const directory of [home.kept, dirname(home.kept)]) {
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
  }

  const elsewhere = await createHome(t);
  await runFrom(elsewhere, { XDG_CACHE_HOME: join(elsewhere.directory, 'xdg') });
  assert.deepEqual(await readdir(elsewhere.directory), ['xdg']);
  assert.deepEqual(await readdir(join(elsewhere.directory, 'xdg/model-host')), ['compiled']);
});

test('whoever has chosen a place for it, or none, gets no other', async (t) => {
  const home = await createHome(t);
  await runFrom(home, { NODE_DISABLE_COMPILE_CACHE: '1' });
  await runFrom(home, { NODE_COMPILE_CACHE: join(home.directory, 'chosen') });
  assert.deepEqual(await readdir(home.directory), ['chosen']);
});

/** Places that others could write to or change, or where nothing can be kept. */
const unsafe: readonly (readonly [title: string, make: (home: Home) => Promise<unknown>])[] = [
  ['that others can write to', async ({ kept }) => chmod(kept, 0o770)],
  ['that others can replace', async ({ kept }) => chmod(dirname(kept), 0o777)],
  [
    'that is a link',
    async ({ directory, kept }) => {
      await rm(kept, { recursive: true });
      await mkdir(join(directory, 'other'));
      await symlink(join(directory, 'other'), kept);
    },
  ],
  [
    'that is no directory',
    async ({ kept }) => {
      await rm(kept, { recursive: true });
      await writeFile(kept, '');
    },
  ],
];

for (const [title, make] of unsafe) {
  test(`nothing is kept in a place ${title}`, async (t) => {
    const home = await createHome(t);
    await mkdir(home.kept, { recursive: true, mode: 0o700 });
    await make(home);
    const before = await readdir(home.directory, { recursive: true });
    await runFrom(home);
    assert.deepEqual(await readdir(home.directory, { recursive: true }), before);
  });
}
