import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import { toStartFault, tryRoom } from './disk-room.ts';

test('where there is room nothing is left of the trial', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'model-host-room-'));
  await tryRoom(directory, 1_000);
  assert.deepEqual(readdirSync(directory), []);
  await assert.rejects(tryRoom(join(directory, 'none'), 1_000));
  rmSync(directory, { recursive: true });
});

test('a start without room on the disk names the directory and the remedy, wherever it was noticed', () => {
  const noRoom = Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
  });
  const deep = new HostError('audit_unavailable', 'the audit log cannot be written', {
    cause: noRoom,
  });
  for (const thrown of [noRoom, deep]) {
    const fault = toStartFault(thrown, '/srv/data');
    assert.ok(fault instanceof HostError);
    assert.equal(fault.code, 'storage_unavailable');
    assert.deepEqual(fault.facts, { reason: 'disk_full' });
    assert.match(fault.message, /^\/srv\/data: .*; make room there, or set server\.dataDirectory/);
    assert.equal(fault.cause, thrown);
  }
});

test('a start that fails for another reason is told as it is', () => {
  const own = new HostError('storage_unavailable', 'journal.db: full', {
    cause: Object.assign(new Error('full'), { code: 'ENOSPC' }),
  });
  for (const thrown of [new Error('other'), own, 'text', undefined]) {
    assert.equal(toStartFault(thrown, '/srv/data'), thrown);
  }
});
