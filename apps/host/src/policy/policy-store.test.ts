import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
  readFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { withBundle } from './policy-state.ts';
import type { PolicyState, StoredBundle } from './policy-state.ts';
import { openPolicyStore, storeSteps } from './policy-store.ts';
import type { PolicyStore } from './policy-store.ts';

function makeStoreDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'model-host-store-'));
  t.after(() => rmSync(directory, { recursive: true }));
  return join(directory, 'policy');
}

function stored(envelope: string, revision: number): StoredBundle {
  return {
    envelope,
    name: 'base',
    revision,
    digest: 'd',
    activatedAtMs: 1,
    activatedBy: 'ann',
    activatedByTenant: 'acme',
  };
}

/** Activates content as the platform's, and gives the name of its file. */
async function activate(store: PolicyStore, content: string, revision: number): Promise<string> {
  const envelope = await store.keep(Buffer.from(content));
  await store.commit(stateWith(store, envelope, revision));
  return envelope;
}

function stateWith(store: PolicyStore, envelope: string, revision: number): PolicyState {
  const bundle = stored(envelope, revision);
  return withBundle(store.state(), { scope: 'platform', slot: 'active', bundle });
}

test('what was committed is there when the store is opened again, and nothing else is', async (t) => {
  const directory = makeStoreDirectory(t);
  const store = await openPolicyStore({ directory });
  const first = await activate(store, 'one', 1);
  const second = await activate(store, 'two', 2);
  const again = await openPolicyStore({ directory });
  assert.deepEqual(again.state(), store.state());
  assert.equal((await again.read(second)).toString(), 'two');
  assert.deepEqual(readdirSync(join(directory, 'files')), [second]);
  await assert.rejects(again.read(first), { code: 'storage_unavailable' });
});

test('only its owner can read it', async (t) => {
  const directory = makeStoreDirectory(t);
  mkdirSync(directory, { mode: 0o755 });
  const store = await openPolicyStore({ directory });
  const envelope = await activate(store, 'one', 1);
  const modeOf = (path: string): number => statSync(path).mode & 0o777;
  assert.deepEqual(
    [directory, join(directory, 'state.json'), join(directory, 'files', envelope)].map(modeOf),
    [0o700, 0o600, 0o600],
  );
});

test('a state that was lost or changed is refused with its file and the remedy, and stays as it is', async (t) => {
  for (const [title, spoil] of [
    ['is missing', (path: string) => rmSync(path)],
    [
      'was changed',
      (path: string) =>
        writeFileSync(path, readFileSync(path, 'utf8').replace('"revision":1', '"revision":0')),
    ],
    ['was changed', (path: string) => writeFileSync(path, '')],
    ['was changed', (path: string) => writeFileSync(path, '{"format":"modelhost-policy-state"')],
  ] as const) {
    const directory = makeStoreDirectory(t);
    await activate(await openPolicyStore({ directory }), 'one', 1);
    const path = join(directory, 'state.json');
    spoil(path);
    const before = readdirSync(directory, { recursive: true });
    await assert.rejects(openPolicyStore({ directory }), (thrown: Error) => {
      assert.ok(
        thrown.message.startsWith(`${path}: ${title}; put the whole directory back`),
        thrown.message,
      );
      return true;
    });
    assert.deepEqual(readdirSync(directory, { recursive: true }), before);
  }
});

test('a file that was lost or changed is refused when it is read', async (t) => {
  for (const [title, spoil] of [
    ['is missing', (path: string) => rmSync(path)],
    ['was changed', (path: string) => writeFileSync(path, 'onE')],
  ] as const) {
    const directory = makeStoreDirectory(t);
    const store = await openPolicyStore({ directory });
    const path = join(directory, 'files', await activate(store, 'one', 1));
    spoil(path);
    await assert.rejects(store.read(path.slice(-64)), (thrown: Error) => {
      assert.ok(thrown.message.startsWith(`${path}: ${title}; `), thrown.message);
      return true;
    });
  }
});

test('what cannot be removed keeps no state from being in force', async (t) => {
  const directory = makeStoreDirectory(t);
  const store = await openPolicyStore({ directory });
  mkdirSync(join(directory, 'files', 'a-directory'));
  const envelope = await activate(store, 'one', 1);
  assert.equal(store.state().scopes['platform']?.active?.envelope, envelope);
  const again = await openPolicyStore({ directory });
  assert.deepEqual(again.state(), store.state());
});

test('what cannot be written changes nothing', async (t) => {
  const directory = makeStoreDirectory(t);
  const store = await openPolicyStore({ directory });
  const envelope = await activate(store, 'one', 1);
  const before = store.state();
  rmSync(directory, { recursive: true });
  await assert.rejects(store.keep(Buffer.from('two')), { code: 'failed_precondition' });
  await assert.rejects(store.commit(stateWith(store, envelope, 2)), {
    code: 'failed_precondition',
  });
  assert.equal(store.state(), before);
});

test('what a crash has left half-way is no state and keeps nothing from being stored', async (t) => {
  const directory = makeStoreDirectory(t);
  await activate(await openPolicyStore({ directory }), 'one', 1);
  writeFileSync(join(directory, 'state.json.new'), 'half');
  writeFileSync(join(directory, 'files', 'abc.new'), 'half');
  const store = await openPolicyStore({ directory });
  assert.equal(store.state().scopes['platform']?.active?.revision, 1);
  const second = await activate(store, 'two', 2);
  assert.deepEqual(readdirSync(join(directory, 'files')), [second]);
  assert.deepEqual(readdirSync(directory).sort(), ['files', 'state.json']);
});

const storing = fileURLToPath(new URL('./fixtures/storing-process.ts', import.meta.url));
const run = promisify(execFile);

test('a first start and an activation leave a whole state, the old or the new, wherever they are cut off', async (t) => {
  const { stdout } = await run(process.execPath, [storing, makeStoreDirectory(t)]);
  const steps = Number(stdout);
  const firstStart = storeSteps.length - storeSteps.indexOf('state-created');
  assert.equal(steps, firstStart + storeSteps.length);

  async function revisionAfter(killAt: number): Promise<number> {
    const directory = makeStoreDirectory(t);
    await assert.rejects(run(process.execPath, [storing, directory, String(killAt)]), {
      signal: 'SIGKILL',
    });
    const store = await openPolicyStore({ directory });
    const active = store.state().scopes['platform']?.active;
    if (active === undefined) return 0;
    assert.equal((await store.read(active.envelope)).toString(), 'the bundle');
    return active.revision;
  }

  // A state counts from the moment that it has its name.
  const isNewFrom = firstStart + storeSteps.indexOf('state-renamed') + 1;
  for (let step = 1; step <= steps; step += 2) {
    const both = step === steps ? [step] : [step, step + 1];
    const revisions = await Promise.all(both.map(revisionAfter));
    assert.deepEqual(
      revisions,
      both.map((at) => (at >= isNewFrom ? 1 : 0)),
    );
  }
});
