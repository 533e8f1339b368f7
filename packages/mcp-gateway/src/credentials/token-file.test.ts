import assert from 'node:assert/strict';
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  rmdir,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import type { Keys } from '@modelhost/kernel';
import { createTokenFile } from './token-file.ts';
import { createTokenMemory } from './token-store.ts';
import type { Grant, GrantOwner } from './token-store.ts';

const ann = { server: 'notes', resource: 'https://notes.example', tenant: 'acme', subject: 'ann' };
const bob = { ...ann, subject: 'bob' };
const grant: Grant = {
  issuer: 'https://sso.example',
  tokens: { access_token: 'a-secret', token_type: 'Bearer', issuer: 'https://sso.example' },
  expiresAt: 5,
};

/** Says whether text and context are the same; it hides them from a reader of the file, and nothing more. */
function keysOf(keyId: string): Keys {
  const encode = (...parts: readonly string[]): string =>
    Buffer.from(JSON.stringify([keyId, ...parts])).toString('base64');
  return {
    seal: (text, context) => ({ keyId, data: encode(context, text) }),
    unseal: ({ data }, context) => {
      const [id, sealedFor, text] = JSON.parse(Buffer.from(data, 'base64').toString()) as string[];
      if (id !== keyId || sealedFor !== context || text === undefined) throw new Error('no');
      return text;
    },
    commit: (text, context) => encode(context, text),
  };
}

async function pathIn(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tokens-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'inner', 'tokens.json');
}

test('grants are found again by another process with the same keys, for their owner only', async (t) => {
  const path = await pathIn(t);
  const file = createTokenFile(path, keysOf('k'));
  assert.deepEqual(await file.load(ann), []);
  await file.save(ann, [grant]);
  for (const store of [file, createTokenFile(path, keysOf('k'))]) {
    assert.deepEqual(await store.load(ann), [grant]);
    assert.deepEqual(await store.load(bob), []);
  }
  assert.deepEqual(await createTokenFile(path, keysOf('other')).load(ann), []);
});

test('the file is for its owner alone, has nothing in plain words, and leaves no draft', async (t) => {
  const path = await pathIn(t);
  await createTokenFile(path, keysOf('k')).save(ann, [grant]);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.doesNotMatch(await readFile(path, 'utf8'), /a-secret|ann|acme|notes|sso/);
  assert.deepEqual(await readdir(join(path, '..')), ['tokens.json']);
});

test('what is left of a save that broke off does no harm', async (t) => {
  const path = await pathIn(t);
  const file = createTokenFile(path, keysOf('k'));
  await file.save(ann, [grant]);
  const target = join(path, '..', 'elsewhere');
  await writeFile(target, 'kept');
  await symlink(target, `${path}.new`);
  await file.save(bob, [grant]);
  assert.equal(await readFile(target, 'utf8'), 'kept');
  assert.deepEqual((await readdir(join(path, '..'))).sort(), ['elsewhere', 'tokens.json']);
  assert.deepEqual(await createTokenFile(path, keysOf('k')).load(bob), [grant]);
});

test('grants that are put under another owner do not open', async (t) => {
  const path = await pathIn(t);
  const keys = keysOf('k');
  const file = createTokenFile(path, keys);
  await file.save(ann, [grant]);
  await file.save(bob, [{ ...grant, issuer: 'https://other.example' }]);
  const content = JSON.parse(await readFile(path, 'utf8')) as { owners: Record<string, unknown> };
  const [first, second] = Object.entries(content.owners);
  assert.ok(first !== undefined && second !== undefined);
  content.owners = { [first[0]]: second[1], [second[0]]: first[1] };
  await writeFile(path, JSON.stringify(content));
  const changed = createTokenFile(path, keys);
  assert.deepEqual([await changed.load(ann), await changed.load(bob)], [[], []]);
});

test('saves at the same time all come to the file, the last of each owner', async (t) => {
  const path = await pathIn(t);
  const file = createTokenFile(path, keysOf('k'));
  const owners = Array.from({ length: 20 }, (_, index) => ({ ...ann, subject: `u${index}` }));
  await Promise.all(
    [1, 2, 3].flatMap((expiresAt) =>
      owners.map((owner) => file.save(owner, [{ ...grant, expiresAt }])),
    ),
  );
  const again = createTokenFile(path, keysOf('k'));
  for (const owner of owners) assert.equal((await again.load(owner))[0]?.expiresAt, 3);
});

test('a file that is damaged is left alone', async (t) => {
  for (const content of ['{', '{"version":2}', '{"version":1,"owners":{"a":{}}}', '[]']) {
    const path = await pathIn(t);
    await createTokenFile(path, keysOf('k')).save(ann, []);
    await writeFile(path, content);
    const file = createTokenFile(path, keysOf('k'));
    const damaged = {
      code: 'storage_unavailable',
      facts: { reason: 'corrupt' },
      message: /is damaged; move it away/,
    };
    await assert.rejects(file.load(ann), damaged);
    await assert.rejects(file.save(ann, [grant]), damaged);
    assert.equal(await readFile(path, 'utf8'), content);
  }
});

test('a file that the host may not read is not called damaged, and is read once it may', async (t) => {
  const path = await pathIn(t);
  const file = createTokenFile(path, keysOf('k'));
  await mkdir(path, { recursive: true });
  const unreadable = {
    code: 'storage_unavailable',
    facts: {},
    message: /has to be a file that the host may read/,
  };
  await assert.rejects(file.load(ann), unreadable);
  await rmdir(path);
  await file.save(ann, [grant]);
  assert.deepEqual(await file.load(ann), [grant]);
});

test('past the bound the owner who was saved longest ago is forgotten', async (t) => {
  const path = await pathIn(t);
  for (const store of [createTokenFile(path, keysOf('k'), 2), createTokenMemory(2)]) {
    const cyd: GrantOwner = { ...ann, subject: 'cyd' };
    for (const owner of [ann, bob, ann, cyd]) await store.save(owner, [grant]);
    const kept = await Promise.all([ann, bob, cyd].map((owner) => store.load(owner)));
    assert.deepEqual(kept, [[grant], [], [grant]]);
    await store.save(ann, []);
    assert.deepEqual(await store.load(ann), []);
  }
});
