import assert from 'node:assert/strict';
import { copyFile, cp, mkdir, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import {
  assertUnavailable,
  bytesOf,
  entryWrite,
  inDirectory,
  newRun,
} from './fixtures/store-directory.ts';
import { describeSqliteStore, restoreSqliteStore, verifySqliteStore } from './maintenance/tasks.ts';
import { openSqliteStore } from './open-store.ts';
import type { SqliteStore } from './open-store.ts';
import { raiseMark } from './reached.ts';
import type { KnownMark, StoreMark, StoreWitness } from './store-mark.ts';

const database = 'journal.db';
const files = [database, `${database}-wal`];

interface Noted {
  readonly witness: StoreWitness;
  readonly marks: StoreMark[];
  /** Resolves with the next mark. */
  readonly next: () => Promise<StoreMark>;
}

function createWitness(known?: StoreMark): Noted {
  const marks: StoreMark[] = [];
  let arrived = Promise.withResolvers<StoreMark>();
  return {
    marks,
    next: async () => arrived.promise,
    witness: {
      known: known === undefined ? undefined : asKnown(known),
      note: async (mark) => {
        marks.push(mark);
        arrived.resolve(mark);
        arrived = Promise.withResolvers();
      },
    },
  };
}

function asKnown(mark: StoreMark): KnownMark {
  return { ...mark, atMs: Date.UTC(2026, 0, 2) };
}

async function open(directory: string, { witness }: Noted): Promise<SqliteStore> {
  return openSqliteStore({ directory, witness, bounds: { markAfterMs: 0 } });
}

/** Leaves in `place` what a kill leaves behind at this moment: copies of the files named. */
async function copyFiles(from: string, place: string, names: readonly string[]): Promise<string> {
  await mkdir(place);
  await Promise.all(names.map(async (name) => copyFile(join(from, name), join(place, name))));
  return place;
}

/** A directory as a kill leaves it, and the last mark that was noted before. */
async function inCrashed(
  body: (crashed: string, last: StoreMark, directory: string) => Promise<void>,
): Promise<void> {
  await inDirectory(async (directory) => {
    const source = join(directory, 'source');
    const noted = createWitness();
    const store = await open(source, noted);
    await store.runs.create(newRun('a'), bytesOf('input'));
    const last = await noted.next();
    const crashed = await copyFiles(source, join(directory, 'crashed'), files);
    await store.close();
    await body(crashed, last, directory);
  });
}

test('a witness is told at the opening, after writes and at the end, and nothing where nothing is written', async () => {
  await inDirectory(async (directory) => {
    const noted = createWitness();
    const store = await open(directory, noted);
    assert.equal(noted.marks.length, 1);
    await store.runs.create(newRun('a'), bytesOf(''));
    await noted.next();
    await store.close();
    const again = createWitness(noted.marks.at(-1));
    await (await open(directory, again)).close();
    assert.equal(again.marks.length, 1);
    const all = [...noted.marks, ...again.marks];
    assert.equal(new Set(all.map(({ storeId }) => storeId)).size, 1);
    const checks = all.map((mark) => mark.checks);
    assert.deepEqual(
      checks,
      checks.toSorted((a, b) => a - b),
    );
    assert.deepEqual(
      all.map(({ epoch }) => epoch),
      [...noted.marks.map(() => 1), 2],
    );
  });
});

test('once the directory was moved away nothing is begun or noted, and what goes on ends in it', async () => {
  await inDirectory(async (directory) => {
    const [place, moved] = [join(directory, 'place'), join(directory, 'moved')];
    const noted = createWitness();
    const store = await open(place, noted);
    await store.runs.create(newRun('a'), bytesOf(''));
    await noted.next();
    await rename(place, moved);
    // Another one of the same files is not it.
    await cp(moved, place, { recursive: true });
    const before = noted.marks.length;
    const [created, written] = await Promise.allSettled([
      store.runs.create(newRun('b'), bytesOf('')),
      store.runs.write(entryWrite('a', bytesOf('goes on'))),
    ]);
    assert.ok(created.status === 'rejected');
    assert.match(
      await assertUnavailable(Promise.reject(created.reason), 'missing'),
      /place.*moved or removed/,
    );
    assert.equal(written.status, 'fulfilled');
    await assertUnavailable(store.check(), 'missing');
    await store.close();
    assert.equal(noted.marks.length, before);
    const again = await open(moved, createWitness(noted.marks.at(-1)));
    assert.equal((await again.runs.read('a'))?.entries.length, 1);
    await again.close();
  });
});

test('a witness that cannot write stops nothing, and is told again', async () => {
  await inDirectory(async (directory) => {
    const noted = createWitness();
    let refusals = 2;
    const note = async (mark: StoreMark): Promise<void> => {
      refusals -= 1;
      if (refusals >= 0) throw new Error('no room');
      await noted.witness.note(mark);
    };
    const store = await open(directory, { ...noted, witness: { known: undefined, note } });
    await store.runs.create(newRun('a'), bytesOf(''));
    await store.runs.write(entryWrite('a', bytesOf('one')));
    await store.close();
    assert.ok(noted.marks.length <= 1);
    const again = await open(directory, createWitness(noted.marks.at(-1)));
    assert.equal((await again.runs.read('a'))?.entries.length, 1);
    await again.close();
  });
});

test('what a kill leaves behind is taken, and without its log it is refused and left as it is', async () => {
  await inCrashed(async (crashed, last, directory) => {
    const torn = await copyFiles(crashed, join(directory, 'torn'), [database]);
    const before = await readFile(join(torn, database));
    const message = await assertUnavailable(open(torn, createWitness(last)), 'lost');
    const { storeId, epoch, checks } = last;
    const told = `journal.db: has no tables any more; store ${storeId} was at ${epoch}.${checks} on`;
    assert.ok(message.includes(told), message);
    assert.match(message, /2026-01-02T.*`model-host storage restore`; .*accept-loss runs/);
    assert.ok(before.equals(await readFile(join(torn, database))));
    const store = await open(crashed, createWitness(last));
    assert.ok(await store.runs.find('a'));
    await store.close();
  });
});

test('nothing is lost unseen where the store itself says after each commit how far it got', async () => {
  await inDirectory(async (directory) => {
    const place = join(directory, 'store');
    const reachedPath = join(directory, 'reached');
    const noted = createWitness();
    const store = await openSqliteStore({
      directory: place,
      witness: { ...noted.witness, reachedPath },
      bounds: { markAfterMs: 600_000 },
    });
    const [opened = assert.fail('nothing was noted')] = noted.marks;
    const older = await copyFiles(place, join(directory, 'older'), files);
    await store.runs.create(newRun('a'), bytesOf(''));
    const newer = await copyFiles(place, join(directory, 'newer'), files);
    // The witness has not heard of it yet.
    assert.equal(noted.marks.length, 1);
    const known = raiseMark(asKnown(opened), reachedPath);
    const lacking = openSqliteStore({ directory: older, witness: { ...noted.witness, known } });
    assert.match(await assertUnavailable(lacking, 'lost'), /lacks its last writes \(is at 1\.1\)/);
    const whole = await openSqliteStore({
      directory: newer,
      witness: { ...noted.witness, known },
    });
    assert.ok(await whole.runs.find('a'));
    await whole.close();
    await store.close();
  });
});

test('a store from before the last writes is refused, also for a verification', async () => {
  await inDirectory(async (directory) => {
    const place = join(directory, 'store');
    const noted = createWitness();
    await (await open(place, noted)).close();
    const older = await copyFiles(place, join(directory, 'older'), [database]);
    const [earlier] = noted.marks;
    const again = createWitness(earlier);
    const store = await open(place, again);
    await store.runs.create(newRun('a'), bytesOf(''));
    await store.close();
    const last = again.marks.at(-1) ?? assert.fail('nothing was noted');
    const verifying = verifySqliteStore({ directory: older, known: asKnown(last) });
    assert.match(await assertUnavailable(verifying, 'lost'), /is at 1\.\d+/);
    const message = await assertUnavailable(open(older, createWitness(last)), 'lost');
    assert.match(message, /lacks its last writes \(is at 1\.\d+\), maybe with its -wal file/);
    await verifySqliteStore({ directory: place, known: asKnown(last) });
  });
});

test('a database that is missing, emptied or of another store is refused where one is known', async () => {
  await inCrashed(async (crashed, last, directory) => {
    const refused = async (): Promise<string> =>
      assertUnavailable(open(crashed, createWitness(last)), 'lost');
    const other = createWitness({ ...last, storeId: 'f'.repeat(32) });
    const copy = await copyFiles(crashed, join(directory, 'copy'), files);
    assert.match(await assertUnavailable(open(copy, other), 'lost'), /is another store/);
    await truncate(join(crashed, database), 0);
    assert.match(await refused(), /journal\.db: is empty; store/);
    await rm(join(crashed, database));
    assert.match(await refused(), /journal\.db: is missing; store/);
    // The log of the lost database is still there for whoever looks for it.
    assert.ok((await readFile(join(crashed, `${database}-wal`))).length > 0);
    await writeFile(join(crashed, database), '');
    const anew = createWitness();
    await (await open(crashed, anew)).close();
    assert.notEqual(anew.marks[0]?.storeId, last.storeId);
  });
});

test('a store of a host without marks is taken where none is known, and gets one', async () => {
  await inDirectory(async (directory) => {
    await (await openSqliteStore({ directory })).close();
    const path = join(directory, database);
    const older = new DatabaseSync(path);
    older.exec(
      `DROP TABLE identity; DROP INDEX session_by_request; ALTER TABLE session DROP COLUMN request_key;
       DELETE FROM migration WHERE number >= 4; PRAGMA user_version = 3`,
    );
    older.close();
    assert.equal((await describeSqliteStore({ directory })).mark, undefined);
    const noted = createWitness();
    await (await open(directory, noted)).close();
    assert.deepEqual((await describeSqliteStore({ directory })).mark, noted.marks.at(-1));
  });
});

test('a backup is of the same store, and where it is restored it goes on from what it holds', async () => {
  await inDirectory(async (directory) => {
    const place = join(directory, 'store');
    const noted = createWitness();
    const store = await open(place, noted);
    await store.backup(join(directory, 'backup.db'));
    await store.runs.create(newRun('a'), bytesOf(''));
    await store.close();
    const restored = join(directory, 'restored');
    await restoreSqliteStore({ from: join(directory, 'backup.db'), directory: restored });
    const { mark } = await describeSqliteStore({ directory: restored });
    assert.equal(mark?.storeId, noted.marks[0]?.storeId);
    await assertUnavailable(open(restored, createWitness(noted.marks.at(-1))), 'lost');
    await (await open(restored, createWitness(mark))).close();
  });
});
