import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { proveReplay } from './prove.ts';

test('runs whose events are gone, some of them interrupted, tell the same again and open no socket', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'replay-'));
  try {
    const proof = await proveReplay({ directory, runs: 20, kills: 1 });
    assert.equal(proof.compacted, 2);
  } finally {
    await rm(directory, { recursive: true });
  }
});
