import assert from 'node:assert/strict';
import { readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { inDirectory } from './fixtures/store-directory.ts';
import { openReachedFile, raiseMark } from './reached.ts';

const storeId = '0123456789abcdef'.repeat(2);
const known = { storeId, epoch: 3, checks: 30, atMs: 7 };

test('what was reached is known, however it grew, and nothing that is less or of another store', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'reached');
    const count = fc.oneof(fc.integer({ min: 0, max: 99 }), fc.maxSafeNat());
    fc.assert(
      fc.property(count, count, (epoch, checks) => {
        const file = openReachedFile(path);
        file.note({ storeId, epoch: 1, checks: 1 });
        file.note({ storeId, epoch, checks });
        file.close();
        const isMore = epoch > known.epoch || (epoch === known.epoch && checks > known.checks);
        const { atMs, ...raised } = raiseMark(known, path);
        const { atMs: notedAtMs, ...before } = known;
        assert.deepEqual(raised, isMore ? { storeId, epoch, checks } : before);
        assert.equal(atMs === notedAtMs, !isMore);
        const other = { ...known, storeId: 'f'.repeat(32) };
        assert.equal(raiseMark(other, path), other);
      }),
    );
  });
});

test('a file that is damaged, cut off, empty or not there says nothing', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'reached');
    const file = openReachedFile(path);
    file.note({ storeId, epoch: 4, checks: 40 });
    file.close();
    const text = await readFile(path, 'utf8');
    for (const changed of [text.replace(' 40 ', ' 41 '), text.slice(0, -1), '', 'x'.repeat(80)]) {
      await writeFile(path, changed);
      assert.equal(raiseMark(known, path), known);
    }
    await truncate(path, 0);
    assert.equal(raiseMark(known, path), known);
    await rm(path);
    assert.equal(raiseMark(known, path), known);
  });
});

test('what cannot be noted stops nothing', () => {
  const file = openReachedFile(join('not', 'there', 'reached'));
  file.note({ storeId, epoch: 1, checks: 1 });
  file.close();
});
