import assert from 'node:assert/strict';
import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import fc from 'fast-check';
import { findKeys, loadKeys } from './load-keys.ts';

const damaged = { code: 'storage_unavailable', facts: { reason: 'corrupt' } };
const environmentValue = Buffer.alloc(32, 7).toString('base64');
const otherValue = Buffer.alloc(32, 8).toString('base64');

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'keys-file-'));
  try {
    await work(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

test('what is sealed opens again with the same key and context, and with nothing else', async () => {
  const keys = await loadKeys({ path: 'unused', environmentValue });
  const others = await loadKeys({ path: 'unused', environmentValue: otherValue });
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string(), fc.nat(), (text, context, at) => {
      const sealed = keys.seal(text, context);
      // A lone surrogate has no UTF-8, so it comes back replaced, as everywhere else.
      assert.equal(keys.unseal(sealed, context), text.toWellFormed());
      assert.throws(() => keys.unseal(sealed, `${context}.`), damaged);
      const facts = { reason: 'no_key', key_id: sealed.keyId };
      assert.throws(() => others.unseal(sealed, context), { code: 'storage_unavailable', facts });
      const data = Buffer.from(sealed.data, 'base64');
      const position = at % data.length;
      data[position] = (data[position] ?? 0) ^ 1;
      const changed = { ...sealed, data: data.toString('base64') };
      assert.throws(() => keys.unseal(changed, context), damaged);
    }),
  );
});

test('the same text is sealed differently each time and committed to the same way', async () => {
  const keys = await loadKeys({ path: 'unused', environmentValue });
  const others = await loadKeys({ path: 'unused', environmentValue: otherValue });
  assert.notEqual(keys.seal('a', 'c').data, keys.seal('a', 'c').data);
  assert.equal(keys.commit('a', 'c'), keys.commit('a', 'c'));
  assert.notEqual(keys.commit('a', 'c'), keys.commit('a', 'd'));
  assert.notEqual(keys.commit('a', 'c'), others.commit('a', 'c'));
});

test('no nonce comes twice', async () => {
  const keys = await loadKeys({ path: 'unused', environmentValue });
  const nonces = Array.from({ length: 1_000 }, () => keys.seal('', 'c').data.slice(0, 16));
  assert.equal(new Set(nonces).size, 1_000);
});

test('a cut text does not open', async () => {
  const keys = await loadKeys({ path: 'unused', environmentValue });
  const sealed = keys.seal('text', 'c');
  for (const length of [0, 4, 16, 30]) {
    const data = Buffer.from(sealed.data, 'base64').subarray(0, length).toString('base64');
    assert.throws(() => keys.unseal({ ...sealed, data }, 'c'), damaged);
  }
});

test('the first start makes a key that only its owner can read, and the next uses it', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'new', 'master.key');
    assert.equal(await findKeys({ path, environmentValue: undefined }), undefined);
    const first = await loadKeys({ path, environmentValue: undefined });
    const second = await loadKeys({ path, environmentValue: undefined });
    assert.equal(second.unseal(first.seal('text', 'c'), 'c'), 'text');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal(Buffer.from(await readFile(path, 'utf8'), 'base64').length, 32);
    assert.deepEqual(await readdir(join(directory, 'new')), ['master.key']);
  });
});

test('starts at the same time end up with one key', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'master.key');
    const starts = Array.from({ length: 16 }, async () =>
      loadKeys({ path, environmentValue: undefined }),
    );
    const commits = (await Promise.all(starts)).map((keys) => keys.commit('text', 'c'));
    assert.equal(new Set(commits).size, 1);
  });
});

test('a key of the wrong form is refused with the remedy and without its value', async () => {
  const wrong = [
    '',
    'short',
    Buffer.alloc(31).toString('base64'),
    'z'.repeat(44),
    `${environmentValue}!`,
  ];
  for (const value of wrong) {
    await assert.rejects(loadKeys({ path: 'unused', environmentValue: value }), (error: Error) => {
      assert.match(error.message, /32 bytes in base64, such as `openssl rand -base64 32` makes/);
      assert.ok(value.length < 5 || !error.message.includes(value));
      return true;
    });
  }
});

test('a file that is damaged is never told to be made anew, and stays as it is', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'master.key');
    for (const text of ['', environmentValue.slice(0, 20), `!${environmentValue.slice(1)}`]) {
      await writeFile(path, text, { mode: 0o600 });
      await assert.rejects(loadKeys({ path, environmentValue: undefined }), (error) => {
        assert.ok(error instanceof HostError && error.code === 'storage_unavailable');
        assert.deepEqual(error.facts, { reason: 'corrupt', part: 'keys' });
        assert.match(error.message, /is damaged; .* put that back/);
        assert.doesNotMatch(error.message, /openssl/);
        return true;
      });
      assert.equal(await readFile(path, 'utf8'), text);
    }
  });
});

test('a file that others can read is refused with the remedy', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'master.key');
    await writeFile(path, environmentValue);
    await chmod(path, 0o644);
    await assert.rejects(loadKeys({ path, environmentValue: undefined }), {
      code: 'config_invalid',
      message: `${path}: others can read the master key; run \`chmod 600 ${path}\``,
    });
  });
});

test('a key that cannot be read or written is a problem of the storage', async () => {
  await inDirectory(async (directory) => {
    await assert.rejects(loadKeys({ path: directory, environmentValue: undefined }), {
      code: 'storage_unavailable',
    });
    const file = join(directory, 'file');
    await writeFile(file, '');
    const path = join(file, 'master.key');
    await assert.rejects(loadKeys({ path, environmentValue: undefined }), {
      code: 'storage_unavailable',
    });
  });
});
