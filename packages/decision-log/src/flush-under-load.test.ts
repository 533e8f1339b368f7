import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callEntry } from './fixtures/entries.ts';
import { createTestKeys } from './fixtures/test-keys.ts';
import { createTestRedactor } from './fixtures/test-redactor.ts';
import { createWriteQueue } from './write-queue.ts';

test('a flush waits for what came before it, and not for what goes on coming', async () => {
  let written = 0;
  const queue = createWriteQueue({
    keys: createTestKeys(),
    redactor: createTestRedactor(),
    entriesMax: 10_000,
    onFault: (fault) => assert.fail(String(fault)),
    write: async (rows) => {
      written += rows.length;
      // Somebody decides more than is written, for as long as anybody writes.
      for (let each = 0; each <= rows.length && queue.waiting() < 5_000; each += 1) {
        queue.append(callEntry());
      }
      await new Promise((resolve) => setImmediate(resolve));
    },
  });
  for (let each = 0; each < 100; each += 1) queue.append(callEntry());
  await queue.flush();
  assert.ok(written >= 100 && queue.waiting() > 0);
});
