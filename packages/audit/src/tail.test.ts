import assert from 'node:assert/strict';
import { constants } from 'node:fs';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AuditLog, AuditRecord } from '@modelhost/kernel';
import { createAuditFile, openAuditFile } from './audit-file.ts';
import { durableFlags } from './durable-write.ts';
import { createHeadNotes, readHead } from './head.ts';
import { createTail } from './tail.ts';
import { verifyAuditFile } from './verify.ts';

/** A file on a disk that may have no more room. */
interface FullFile {
  /** Bytes that there is room for; undefined for as many as come. */
  roomBytes: number | undefined;
  code: string;
  freeBytes: number;
  /** The note beside the file does not fit. */
  isNoteRefused: boolean;
}

/** The same file, whose writes end where there is no room, as those of a system do: first short, then with an error. */
function onFullDisk(file: FileHandle, disk: FullFile): FileHandle {
  const write = async (bytes: Buffer, offset: number, length: number): Promise<unknown> => {
    if (disk.roomBytes === undefined) return file.write(bytes, offset, length);
    const fitting = Math.min(disk.roomBytes, length);
    disk.roomBytes -= fitting;
    if (fitting > 0) return file.write(bytes, offset, fitting);
    throw refusalOf(disk);
  };
  // All else is that of the file.
  return Object.create(file, { write: { value: write } }) as FileHandle;
}

function refusalOf({ code }: FullFile): Error {
  return Object.assign(new Error(`${code}: write`), { code });
}

async function withLog(
  work: (opened: { log: AuditLog; disk: FullFile; path: string }) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'audit-tail-'));
  const path = join(directory, 'audit.jsonl');
  const disk: FullFile = {
    roomBytes: undefined,
    code: 'ENOSPC',
    freeBytes: 0,
    isNoteRefused: false,
  };
  const file = onFullDisk(await open(path, durableFlags | constants.O_APPEND, 0o600), disk);
  const notes = createHeadNotes(path);
  const noteIfDue: typeof notes.noteIfDue = async (head) =>
    disk.isNoteRefused ? Promise.reject(refusalOf(disk)) : notes.noteIfDue(head);
  const tail = await createTail({
    path,
    file,
    head: undefined,
    notes: { ...notes, noteIfDue },
    freeBytes: async () => disk.freeBytes,
  });
  const log = createAuditFile({ tail, now: () => 0, lock: { release: () => {} } });
  try {
    await work({ log, disk, path });
  } finally {
    await log.close();
    await rm(directory, { recursive: true });
  }
}

function recordOf(number: number): AuditRecord {
  const [runId, step, actor] = [`run_${number}`, 'turn-1/model', 'ann'];
  return { kind: 'decision', tenant: 'acme', runId, step, actor, facts: { number } };
}

test('a full disk refuses records, and takes the next ones when there is room', async () => {
  await withLog(async ({ log, disk, path }) => {
    await log.append(recordOf(0));
    disk.roomBytes = 100;
    const refused = { code: 'audit_unavailable', message: 'the disk of the audit log is full' };
    await assert.rejects(log.append(recordOf(1)), refused);
    await assert.rejects(log.check(), refused);
    assert.equal((await readFile(path, 'utf8')).split('\n').length, 2, 'nothing of it is left');
    disk.freeBytes = 1024 ** 3;
    // There is room again, as far as anybody can see, but a quota says no.
    disk.code = 'EDQUOT';
    await log.check();
    await assert.rejects(log.append(recordOf(2)), refused);
    disk.roomBytes = undefined;
    assert.equal((await log.append(recordOf(3))).index, 1);
    disk.freeBytes = 0;
    await log.check();
  });
});

test('what is in the file is accepted though there is no room for a note, which is made as soon as there is', async () => {
  await withLog(async ({ log, disk, path }) => {
    disk.isNoteRefused = true;
    assert.equal((await log.append(recordOf(0))).index, 0);
    await log.check();
    assert.equal(await readHead(path), undefined);
    disk.isNoteRefused = false;
    assert.equal((await log.append(recordOf(1))).index, 1);
    assert.deepEqual(await readHead(path), log.head());
    Object.assign(disk, { isNoteRefused: true, code: 'EIO' });
    const refused = { code: 'audit_unavailable', message: 'the audit log cannot be written' };
    await assert.rejects(log.append(recordOf(2)), refused);
  });
});

test('after any other error nothing is accepted any more', async () => {
  await withLog(async ({ log, disk }) => {
    await log.append(recordOf(0));
    Object.assign(disk, { roomBytes: 10, code: 'EIO', freeBytes: 1024 ** 3 });
    const refused = { code: 'audit_unavailable', message: 'the audit log cannot be written' };
    await assert.rejects(log.append(recordOf(1)), refused);
    disk.roomBytes = undefined;
    await assert.rejects(log.append(recordOf(2)), refused);
    await assert.rejects(log.check(), refused);
    assert.equal(log.head()?.index, 0);
  });
});

test('wherever the room ends, the file has just the records that were not refused', async () => {
  const batch = fc.record({
    records: fc.integer({ min: 1, max: 5 }),
    roomBytes: fc.option(fc.integer({ min: 0, max: 900 }), { nil: undefined }),
    meanwhile: fc.integer({ min: 0, max: 2 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(batch, { maxLength: 6 }), async (batches) => {
      await withLog(async ({ log, disk, path }) => {
        let number = 0;
        const taken: number[] = [];
        const append = async (): Promise<void> => {
          const own = (number += 1);
          await log.append(recordOf(own)).then(
            () => taken.push(own),
            (thrown: unknown) => assert.ok(thrown instanceof Error && disk.roomBytes !== undefined),
          );
        };
        for (const { records, roomBytes, meanwhile } of batches) {
          disk.roomBytes = roomBytes;
          const appended = Array.from({ length: records }, append);
          // While the first are written.
          await Promise.resolve(); // oxlint-disable-line no-await-in-loop -- one batch after the other
          await new Promise<void>((resolve) => setImmediate(resolve)); // oxlint-disable-line no-await-in-loop
          appended.push(...Array.from({ length: meanwhile }, append));
          await Promise.all(appended); // oxlint-disable-line no-await-in-loop
        }
        const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
        const kept = lines.map((line) => Number(/"number":(\d+)/.exec(line)?.[1]));
        assert.deepEqual(kept, taken);
        const verification = await verifyAuditFile(path);
        assert.ok(verification.ok && verification.records === taken.length);
        disk.roomBytes = undefined;
      });
    }),
    { numRuns: 40 },
  );
});

test('what was opened by its path alone goes on after all that was taken', async () => {
  await withLog(async ({ log, disk, path }) => {
    await log.append(recordOf(0));
    disk.roomBytes = 50;
    await assert.rejects(log.append(recordOf(1)));
    const other = await openAuditFile({ path, now: () => 0 });
    assert.equal((await other.append(recordOf(2))).index, 1);
    await other.close();
  });
});
