import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import { makeDirectory, startSilently, writeHostConfig } from '../fixtures/started-host.ts';
import { createStorageTools } from '../storage/storage-tools.ts';
import { makeDataDirectory } from './make-data-directory.ts';

test('a data directory is made with those above it, for its owner alone', async (t) => {
  const directory = makeDirectory(t);
  const path = join(directory, 'a', 'b');
  await Promise.all([makeDataDirectory(path), makeDataDirectory(path)]);
  await makeDataDirectory(path);
  assert.deepEqual(
    [path, join(directory, 'a')].map((made) => statSync(made).mode & 0o777),
    [0o700, 0o700],
  );
});

test('a place where no data directory can be is told with the remedy, and never waited for', async (t) => {
  const directory = makeDirectory(t);
  const file = join(directory, 'file');
  writeFileSync(file, 'text');
  const dangling = join(directory, 'dangling');
  symlinkSync(join(directory, 'nowhere'), dangling);
  const cases = [
    [file, 'unusable', `${file}: is no directory; move it away, or set server.dataDirectory`],
    [join(file, 'a', 'b'), 'unusable', `${file}: is no directory; `],
    [dangling, 'read_only', `${dangling}: this directory cannot be made; `],
    // Only where there is such a file system.
    ...(existsSync('/proc/self')
      ? ([['/proc/x/y', 'read_only', '/proc/x: this directory cannot be made; ']] as const)
      : []),
  ] as const;
  for (const [path, reason, message] of cases) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await assert.rejects(makeDataDirectory(path), (fault: Error) => {
      assert.ok(fault instanceof HostError);
      assert.deepEqual([fault.code, fault.facts], ['storage_unavailable', { reason }]);
      assert.ok(fault.message.startsWith(message), fault.message);
      return true;
    });
  }
});

test('neither a host nor a restoration begins where its data directory is a file', async (t) => {
  const directory = makeDirectory(t);
  const config = writeHostConfig(directory);
  const fault = { code: 'storage_unavailable', message: /\/data: is no directory; / };
  writeFileSync(join(directory, 'data'), 'text');
  await assert.rejects(startSilently(config), fault);
  await assert.rejects(createStorageTools(config, {}).restore('backup.db', 1), fault);
  rmSync(join(directory, 'data'));
  symlinkSync(join(directory, 'nowhere'), join(directory, 'data'));
  const unmade = {
    code: 'storage_unavailable',
    message: /\/data: this directory cannot be made; /,
  };
  await assert.rejects(startSilently(config), unmade);
  rmSync(join(directory, 'data'));
  mkdirSync(join(directory, 'data'));
  writeFileSync(join(directory, 'data', 'runs'), 'text');
  await assert.rejects(startSilently(config), { code: 'storage_unavailable' });
});
