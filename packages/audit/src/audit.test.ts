import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  appendFile,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AuditRecord, Json } from '@modelhost/kernel';
import { openAuditFile } from './audit-file.ts';
import { lockFile } from './file-lock.ts';
import { verifyAuditFile } from './verify.ts';

async function inDirectory<T>(work: (path: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'audit-'));
  try {
    return await work(join(directory, 'audit.jsonl'));
  } finally {
    await rm(directory, { recursive: true });
  }
}

function recordOf(number: number): AuditRecord {
  return {
    kind: 'decision',
    tenant: 'acme',
    runId: `run_${number}`,
    step: 'turn-1/model',
    actor: 'ann',
    facts: { effect: 'allow', rules: ['a', 'ü'], number, nothing: null },
  };
}

async function write(path: string, count: number): Promise<void> {
  const log = await openAuditFile({ path, now: () => 1_750_000_000_000 });
  await Promise.all(
    Array.from({ length: count }, async (_none, index) => log.append(recordOf(index))),
  );
  await log.close();
}

async function rewrite(path: string, change: (lines: string[]) => string[]): Promise<void> {
  const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
  await writeFile(
    path,
    change(lines)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

test('what is appended is on disk, in order, and verifies, over several openings', async () => {
  await inDirectory(async (path) => {
    await write(path, 5);
    const log = await openAuditFile({ path, now: () => 0 });
    assert.equal(log.head()?.index, 4);
    const receipt = await log.append(recordOf(5));
    assert.equal(receipt.index, 5);
    assert.equal((await readFile(path, 'utf8')).split('\n').length, 7);
    assert.deepEqual(await verifyAuditFile(path), {
      ok: true,
      records: 6,
      head: receipt,
      notedIndex: 5,
    });
    await log.close();
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });
});

test('records of the same time share one sync', async () => {
  await inDirectory(async (path) => {
    const commits: number[] = [];
    const log = await openAuditFile({
      path,
      now: () => 0,
      onCommit: (count) => commits.push(count),
    });
    await Promise.all(
      Array.from({ length: 200 }, async (_none, index) => log.append(recordOf(index))),
    );
    assert.deepEqual(commits, [200]);
    await log.close();
  });
});

test('what may ride waits for a commit of others, before which it stands', async () => {
  await inDirectory(async (path) => {
    const commits: number[] = [];
    const onCommit = (records: number): void => void commits.push(records);
    const log = await openAuditFile({ path, now: () => 0, onCommit, rideMsMax: 600_000 });
    const riding = [0, 1].map(async (at) => log.append(recordOf(at), { mayRide: true }));
    // Whatever would be written at once has begun by now.
    await new Promise((resolve) => setImmediate(resolve));
    const receipts = await Promise.all([...riding, log.append(recordOf(2))]);
    assert.deepEqual([receipts.map(({ index }) => index), commits], [[0, 1, 2], [3]]);
    const last = log.append(recordOf(3), { mayRide: true });
    await log.close();
    assert.equal((await last).index, 3);
    assert.equal((await verifyAuditFile(path)).ok, true);
  });
});

test('what may ride is written without others, too', async () => {
  await inDirectory(async (path) => {
    const log = await openAuditFile({ path, now: () => 0 });
    assert.equal((await log.append(recordOf(0), { mayRide: true })).index, 0);
    assert.equal((await log.append(recordOf(1), { mayRide: true })).index, 1);
    await log.close();
  });
});

test('any flipped bit of the file is found', async () => {
  await inDirectory(async (path) => {
    await write(path, 6);
    const intact = await readFile(path);
    await fc.assert(
      fc.asyncProperty(fc.nat(intact.length - 1), fc.nat(7), async (at, bit) => {
        const changed = Buffer.from(intact);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        await writeFile(path, changed);
        assert.equal((await verifyAuditFile(path)).ok, false);
      }),
      { numRuns: 300 },
    );
  });
});

test('a removed, exchanged, repeated or invented line is found, and where', async () => {
  const changes: readonly ((lines: string[]) => string[])[] = [
    (lines) => lines.toSpliced(2, 1),
    (lines) => lines.with(2, lines[3] ?? '').with(3, lines[2] ?? ''),
    (lines) => lines.toSpliced(2, 0, lines[2] ?? ''),
    (lines) => lines.toSpliced(2, 0, '{"hello":"world"}'),
    (lines) => lines.with(2, (lines[2] ?? '').replace('{"actor"', '{ "actor"')),
  ];
  for (const change of changes) {
    await inDirectory(async (path) => {
      await write(path, 6);
      await rewrite(path, change);
      const verification = await verifyAuditFile(path);
      assert.ok(!verification.ok);
      assert.ok(verification.line === 3 || verification.line === 4);
    });
  }
});

test('entries cut off the end are noticed against the note of the last closing', async () => {
  await inDirectory(async (path) => {
    await write(path, 6);
    await rewrite(path, (lines) => lines.slice(0, 4));
    const verification = await verifyAuditFile(path);
    assert.deepEqual(verification, {
      ok: false,
      problem: 'shorter-than-head',
      line: 5,
      records: 4,
    });
    await assert.rejects(openAuditFile({ path, now: () => 0 }), { code: 'audit_unavailable' });
  });
});

test('a crash at any byte of the last two lines loses no whole line, and the chain goes on', async () => {
  await inDirectory(async (path) => {
    await write(path, 4);
    await rm(`${path}.head`);
    const whole = await readFile(path);
    const lines = whole.toString('utf8').split('\n');
    const cutFrom = whole.length - Buffer.byteLength(`${lines[2]}\n${lines[3]}\n`);

    async function crashAt(length: number): Promise<void> {
      const cut = `${path}.${length}`;
      await writeFile(cut, whole.subarray(0, length));
      const kept = whole.subarray(0, length).toString('utf8').split('\n').length - 1;
      const log = await openAuditFile({ path: cut, now: () => 0 });
      assert.equal((await log.append(recordOf(9))).index, kept);
      await log.close();
      await rm(`${cut}.head`);
      assert.equal((await verifyAuditFile(cut)).ok, true);
    }

    // Nearly all of it is waiting for the disk, which takes the syncs of many files together.
    const atOnce = 32;
    for (let length = cutFrom; length <= whole.length; length += atOnce) {
      const lengths = Array.from({ length: atOnce }, (_none, index) => length + index);
      await Promise.all(lengths.filter((some) => some <= whole.length).map(crashAt));
    }
  });
});

test('a torn line is a problem for verification unless a host is writing', async () => {
  await inDirectory(async (path) => {
    await write(path, 2);
    await appendFile(path, '{"half');
    assert.deepEqual(await verifyAuditFile(path), {
      ok: false,
      problem: 'torn-tail',
      line: 3,
      records: 2,
    });
    const writer = lockFile(`${path}.lock`);
    assert.equal((await verifyAuditFile(path)).ok, true);
    writer.release();
    assert.equal((await verifyAuditFile(path)).ok, false);
  });
});

test('a file whose last line was changed is not written on', async () => {
  await inDirectory(async (path) => {
    await write(path, 3);
    await rewrite(path, (lines) => lines.with(2, (lines[2] ?? '').replace('acme', 'evil')));
    await assert.rejects(openAuditFile({ path, now: () => 0 }), {
      code: 'audit_unavailable',
      message: /its last entry is damaged \(wrong-hash\).*audit verify/,
    });
  });
});

test('one writer holds a file: another is refused while it lives, and takes over after it', async () => {
  await inDirectory(async (path) => {
    const first = await openAuditFile({ path, now: () => 0 });
    await assert.rejects(openAuditFile({ path, now: () => 0 }), {
      code: 'audit_unavailable',
      message: /another process writes this audit file/,
      facts: { reason: 'locked' },
    });
    await first.close();
    const second = await openAuditFile({ path, now: () => 0 });
    await second.close();
  });
});

test('whatever was written into the file of the lock, it keeps others out again', async () => {
  await inDirectory(async (path) => {
    await writeFile(`${path}.lock`, 'something else '.repeat(100));
    const log = await openAuditFile({ path, now: () => 0 });
    await assert.rejects(openAuditFile({ path, now: () => 0 }), { facts: { reason: 'locked' } });
    await log.close();
  });
});

test('a closed log and a path that cannot be opened accept nothing, and say so', async () => {
  await inDirectory(async (path) => {
    const log = await openAuditFile({ path, now: () => 0 });
    await log.check();
    await log.close();
    await assert.rejects(log.append(recordOf(1)), { code: 'audit_unavailable' });
    await assert.rejects(log.check(), { code: 'audit_unavailable' });
    await assert.rejects(openAuditFile({ path: join(path, 'below'), now: () => 0 }), {
      code: 'audit_unavailable',
      message: /jsonl.below: the audit file cannot be opened/,
    });
    // It is not another process that keeps it.
    await mkdir(`${path}.lock.taken.lock`);
    assert.throws(() => lockFile(`${path}.lock.taken.lock`), {
      code: 'audit_unavailable',
      message: /taken\.lock: the lock cannot be written/,
      facts: {},
    });
  });
});

test('of many processes that open one file at once, one writes it, and a killed one leaves it free', async () => {
  await inDirectory(async (path) => {
    for (let round = 0; round < 3; round += 1) {
      const processes = Array.from({ length: 4 }, () => startWriter(path));
      const answers = await Promise.all(processes.map(async ({ answer }) => answer));
      assert.deepEqual(answers.toSorted(), ['locked', 'refused', 'refused', 'refused']);
      await Promise.all(processes.map(async ({ kill }) => kill()));
    }
    const log = await openAuditFile({ path, now: () => 0 });
    await log.close();
  });
});

/** A process that takes the lock of the file and says whether it got it; it lives until it is killed. */
function startWriter(path: string): {
  readonly answer: Promise<string>;
  readonly kill: () => Promise<void>;
} {
  const module = new URL('file-lock.ts', import.meta.url).href;
  const code = `import { lockFile } from ${JSON.stringify(module)};
    try { globalThis.lock = lockFile(${JSON.stringify(`${path}.lock`)}); console.log('locked'); }
    catch { console.log('refused'); }
    setInterval(() => {}, 60_000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return {
    answer: once(child.stdout.setEncoding('utf8'), 'data').then(([text]) => String(text).trim()),
    kill: async () => {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

test('a long-lived writer notes its newest entry now and then, so that a cut after a crash is noticed', async () => {
  await inDirectory(async (path) => {
    const log = await openAuditFile({ path, now: () => 0 });
    for (let batch = 0; batch < 3; batch += 1) {
      await Promise.all(Array.from({ length: 150 }, async () => log.append(recordOf(batch))));
    }
    // What a crash would leave at this point.
    await copyFile(path, `${path}.crashed`);
    await copyFile(`${path}.head`, `${path}.crashed.head`);
    await log.close();
    assert.equal((await verifyAuditFile(`${path}.crashed`)).ok, true);
    await rewrite(`${path}.crashed`, (lines) => lines.slice(0, 290));
    const verification = await verifyAuditFile(`${path}.crashed`);
    assert.ok(!verification.ok && verification.problem === 'shorter-than-head');
  });
});

test('a record that is nested too deeply is refused alone', async () => {
  await inDirectory(async (path) => {
    const log = await openAuditFile({ path, now: () => 0 });
    let deep: Json = 1;
    for (let level = 0; level < 70; level += 1) deep = [deep];
    const [first, second, third] = await Promise.allSettled([
      log.append(recordOf(0)),
      log.append({ ...recordOf(1), facts: { deep } }),
      log.append(recordOf(2)),
    ]);
    assert.deepEqual(
      [first.status, second.status, third.status],
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.equal((await log.append(recordOf(3))).index, 2);
    await log.close();
  });
});

test('after a write that failed nothing is accepted, until the file is opened again', async (t) => {
  // The device on which every write fails; only Linux has it.
  if (!existsSync('/dev/full')) return t.skip('no /dev/full');
  await inDirectory(async (path) => {
    await symlink('/dev/full', path);
    const log = await openAuditFile({ path, now: () => 0 });
    const [first, second] = await Promise.allSettled([
      log.append(recordOf(0)),
      log.append(recordOf(1)),
    ]);
    assert.deepEqual([first.status, second.status], ['rejected', 'rejected']);
    assert.equal(log.head(), undefined);
    await rm(path);
    await assert.rejects(log.append(recordOf(2)), { code: 'audit_unavailable' });
    await assert.rejects(log.check(), { code: 'audit_unavailable' });
    await log.close();
    await write(path, 1);
    assert.equal((await verifyAuditFile(path)).records, 1);
  });
});

test('a record that is too large is refused alone', async () => {
  await inDirectory(async (path) => {
    const log = await openAuditFile({ path, now: () => 0 });
    const large = { ...recordOf(1), facts: { text: 'x'.repeat(70_000) } };
    const [first, second, third] = await Promise.allSettled([
      log.append(recordOf(0)),
      log.append(large),
      log.append(recordOf(2)),
    ]);
    assert.deepEqual(
      [first.status, second.status, third.status],
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    await log.close();
    assert.deepEqual((await verifyAuditFile(path)).records, 2);
  });
});

test('a line longer than any entry stops the verification', async () => {
  await inDirectory(async (path) => {
    await write(path, 1);
    await appendFile(path, 'x'.repeat(200_000));
    const verification = await verifyAuditFile(path);
    assert.ok(!verification.ok && verification.problem === 'line-too-long');
    await truncate(path, 0);
  });
});
