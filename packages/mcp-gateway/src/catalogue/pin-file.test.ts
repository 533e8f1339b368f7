import assert from 'node:assert/strict';
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { HostError } from '@modelhost/kernel';
import { spec, startCatalogues, tool } from './fixtures/start-catalogues.ts';
import { digestOf } from './listed-tools.ts';
import { createPinFile } from './pin-file.ts';
import type { PinRecords } from './pin-records.ts';

async function makeDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'pins-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

function recordsOf(name: string): PinRecords {
  const listed = tool(name);
  const approved = { digest: digestOf(listed), listed, by: 'olga', atMs: 5 };
  const pending = { ...approved, seenAtMs: 7 };
  return {
    servers: {
      a: {
        setDigest: 'x',
        approvedSetDigest: '',
        tools: {
          [name]: { approved, pending: undefined, isListed: true },
          constructor: {
            approved: undefined,
            pending: { digest: pending.digest, listed, seenAtMs: 7 },
            isListed: true,
          },
        },
      },
    },
  };
}

test('what is saved is loaded again, and only the owner can read it', async (t) => {
  const path = join(await makeDirectory(t), 'pins.json');
  const pins = createPinFile(path);
  assert.deepEqual(await pins.load(), { servers: {} });
  await pins.save(recordsOf('read'));
  assert.deepEqual(await createPinFile(path).load(), recordsOf('read'));
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await chmod(path, 0o644);
  await Promise.all([pins.save(recordsOf('one')), pins.save(recordsOf('__proto__'))]);
  assert.deepEqual(await pins.load(), recordsOf('__proto__'));
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('the file is always a whole one: what is left of a save that broke off does no harm', async (t) => {
  const directory = await makeDirectory(t);
  const path = join(directory, 'pins.json');
  const pins = createPinFile(path);
  await pins.save(recordsOf('read'));
  const target = join(directory, 'elsewhere');
  await writeFile(target, 'kept');
  await symlink(target, `${path}.new`);
  await pins.save(recordsOf('write'));
  assert.equal(await readFile(target, 'utf8'), 'kept');
  assert.deepEqual((await readdir(directory)).sort(), ['elsewhere', 'pins.json']);
  assert.deepEqual(await pins.load(), recordsOf('write'));
});

test('a save that fails rejects and leaves the file as it was', async (t) => {
  const path = join(await makeDirectory(t), 'missing', 'pins.json');
  await assert.rejects(createPinFile(path).save(recordsOf('read')));
  await assert.rejects(readFile(path), { code: 'ENOENT' });
});

test('a file that is not wholly understood is refused, with its path and the place', async (t) => {
  const path = join(await makeDirectory(t), 'pins.json');
  await createPinFile(path).save(recordsOf('read'));
  const saved = await readFile(path, 'utf8');
  const cases: readonly (readonly [string, string])[] = [
    ['', '$'],
    [saved.slice(0, -3), '$'],
    ['[]', '$'],
    [saved.replace('modelhost-pins', 'pins'), '$.format'],
    [saved.replace('"version":1', '"version":2'), '$.version'],
    [saved.replace('"setDigest":"x"', '"setDigest":1'), '$.servers["a"].setDigest'],
    [saved.replace('Does read', 'Does evil'), '$.servers["a"].tools["read"].approved.digest'],
    [saved.replace('"by":"olga"', '"by":null'), '$.servers["a"].tools["read"].approved.by'],
    [saved.replace('"atMs":5', '"atMs":"5"'), '$.servers["a"].tools["read"].approved.atMs'],
    [saved.replace('"isListed":true', '"isListed":1'), '$.servers["a"].tools["read"].isListed'],
  ];
  for (const [text, field] of cases) {
    await writeFile(path, text); // oxlint-disable-line no-await-in-loop
    // oxlint-disable-next-line no-await-in-loop
    await assert.rejects(createPinFile(path).load(), (error: unknown) => {
      assert.ok(error instanceof HostError && error.code === 'storage_unavailable');
      assert.ok(error.message.startsWith(`${path}: is damaged (${field}`), error.message);
      assert.equal(error.violations[0]?.field, field);
      return true;
    });
  }
});

test('with pins that cannot be read nothing is offered, and they are not written over', async (t) => {
  const path = join(await makeDirectory(t), 'pins.json');
  await writeFile(path, '{');
  const { catalogues, list, offered } = startCatalogues([spec('a')], createPinFile(path));
  await assert.rejects(catalogues.loaded(), { code: 'storage_unavailable' });
  await list('a', [tool('read')]);
  assert.deepEqual(offered(), []);
  const [view] = catalogues.pins.list();
  const tools = [{ tool: 'read', digest: view?.digest ?? '' }];
  await assert.rejects(catalogues.pins.approve({ alias: 'a', by: 'olga', tools }), {
    code: 'storage_unavailable',
  });
  assert.equal(await readFile(path, 'utf8'), '{');
});
