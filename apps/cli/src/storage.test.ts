import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { readHostConfig, startHost } from '@modelhost/host';
import type { RunningHost } from '@modelhost/host';
import { createModelHostClient } from '@modelhost/sdk';
import { runHere } from './testing.ts';

interface Place {
  readonly directory: string;
  readonly config: string;
}

function makePlace(t: TestContext): Place {
  const directory = mkdtempSync(join(tmpdir(), 'model-host-storage-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const config = join(directory, 'model-host.yaml');
  writeFileSync(join(directory, 'all.cedar'), '@id("all") permit (principal, action, resource);\n');
  const server = { port: 0, healthPort: 0, dataDirectory: 'data' };
  const rest = { providers: [], agents: [], mcp: { port: 0 }, policies: { directory: '.' } };
  writeFileSync(config, JSON.stringify({ server, ...rest }));
  return { directory, config };
}

async function start(file: string, flags: readonly string[] = []): Promise<RunningHost> {
  const config = readHostConfig({ file, environment: {}, flags });
  return startHost({ config, version: '1.2.3', environment: {}, log: 'silent' });
}

async function countSessions(host: RunningHost, options: { create: boolean }): Promise<number> {
  const client = createModelHostClient({ address: host.grpcAddress });
  try {
    if (options.create) await client.createSession({});
    const { sessions } = await client.listSessions({});
    return sessions.length;
  } finally {
    client.close();
  }
}

test('what a host keeps is counted, verified, saved beside it, and goes on from a backup', async (t) => {
  const { directory, config } = makePlace(t);
  const host = await start(config);
  assert.equal(await countSessions(host, { create: true }), 1);
  const backup = join(directory, 'backup.db');
  const saved = await runHere(['storage', 'backup', backup, '--config', config]);
  assert.deepEqual([saved.code, saved.stdout], [0, `${backup}: complete, and read through\n`]);
  assert.match(saved.stderr, /master\.key/);
  const locked = await runHere(['storage', 'compact', '--config', config]);
  assert.equal(locked.code, 7, locked.stderr);
  await host.drain();

  const status = await runHere(['storage', 'status', '--json', '--config', config]);
  assert.partialDeepStrictEqual(JSON.parse(status.stdout), {
    directory: join(directory, 'data', 'runs'),
    runs: { running: 0, waiting: 0, finished: 0 },
    sessions: 1,
  });
  const verified = await runHere(['storage', 'verify', '--config', config]);
  assert.deepEqual([verified.code, verified.stderr], [0, '']);
  const compacted = await runHere(['storage', 'compact', '--config', config]);
  assert.match(compacted.stdout, /^removed 0 runs, .*\nsize \d/);

  const elsewhere = ['--config', config, '--set', 'server.dataDirectory=restored'];
  const restored = await runHere(['storage', 'restore', backup, ...elsewhere]);
  assert.equal(restored.code, 0, restored.stderr);
  assert.match(
    restored.stderr,
    /master\.key: is missing, .* sealed under the key [0-9a-f]{16}\. Put/,
  );
  // No key is made beside what it could not open.
  await assert.rejects(start(config, elsewhere.slice(3)), /sealed under the key [0-9a-f]{16}/);
  const key = join(directory, 'restored', 'master.key');
  writeFileSync(key, `${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 });
  await assert.rejects(
    start(config, elsewhere.slice(3)),
    /master\.key: is the key [0-9a-f]{16}, and/,
  );
  const wrong = await runHere(['storage', 'verify', ...elsewhere]);
  assert.equal(wrong.code, 7);
  assert.match(
    wrong.stderr,
    /1 of 1 sealed record.* under [0-9a-f]{16}, which is not the key at hand/,
  );
  copyFileSync(join(directory, 'data', 'master.key'), key);
  const right = await runHere(['storage', 'verify', ...elsewhere]);
  assert.match(right.stdout, /: intact; 1 sealed record opened\n$/);
  const again = await runHere(['storage', 'restore', backup, ...elsewhere]);
  assert.equal(again.code, 7);
  assert.match(again.stderr, /restore into an empty directory/);
  const shown = await runHere(['storage', 'status', ...elsewhere]);
  assert.match(shown.stdout, /^sessions {2}1$/m);
  assert.match(shown.stdout, /^store {5}[0-9a-f]{32}, at 1\.\d+$/m);

  // Without the key for good: nothing of it opens, and the host goes on.
  rmSync(key);
  const accepted = await runHere(['storage', 'accept-loss', 'keys', ...elsewhere]);
  assert.equal(accepted.code, 0, accepted.stderr);
  assert.match(accepted.stderr, /damaged is refused all the same: move it away, to begin anew/);
  const other = await start(config, elsewhere.slice(3));
  assert.equal(await countSessions(other, { create: false }), 1);
  await other.drain();
});

test('one bit that changed is found and named, in a store and in a backup that is restored', async (t) => {
  const { directory, config } = makePlace(t);
  const host = await start(config);
  await countSessions(host, { create: true });
  await countSessions(host, { create: true });
  await host.drain();
  const backup = join(directory, 'backup.db');
  const path = join(directory, 'data', 'runs', 'journal.db');
  changeBit(path);
  const verified = await runHere(['storage', 'verify', '--config', config]);
  assert.deepEqual([verified.code, verified.stdout], [7, '']);
  assert.match(
    verified.stderr,
    /: 1 of 2 sealed records do not open: session of \S+ \(default\)\. They are damaged/,
  );
  await runHere(['storage', 'backup', backup, '--config', config]);
  rmSync(join(directory, 'data', 'runs'), { recursive: true });
  const restored = await runHere(['storage', 'restore', backup, '--config', config]);
  assert.equal(restored.code, 0, restored.stderr);
  assert.match(
    restored.stderr,
    /not all of it is well: .* 1 of 2 sealed records do not open: session of/,
  );
  // What is damaged takes nothing else with it.
  const again = await start(config);
  assert.equal(await countSessions(again, { create: false }), 2);
  await again.drain();
});

function changeBit(path: string): void {
  using database = new DatabaseSync(path);
  const row = database.prepare('SELECT ordinal, body FROM session LIMIT 1').get();
  const body = row?.['body'];
  assert.ok(row !== undefined && body instanceof Uint8Array);
  body[40] = (body[40] ?? 0) ^ 1;
  database
    .prepare('UPDATE session SET body = ? WHERE ordinal = ?')
    .run(body, Number(row['ordinal']));
}

test('where there is no store, that is said', async (t) => {
  const { config } = makePlace(t);
  const { code, stderr } = await runHere(['storage', 'status', '--config', config]);
  assert.equal(code, 7);
  assert.match(stderr, /journal\.db: is not there/);
});
