import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { tryRoom } from './disk-room.ts';

test('where there is room nothing is left of the trial', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'model-host-room-'));
  await tryRoom(directory, 1_000);
  assert.deepEqual(readdirSync(directory), []);
  await assert.rejects(tryRoom(join(directory, 'none'), 1_000));
  rmSync(directory, { recursive: true });
});
