import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
  const again = await runHere(['storage', 'restore', backup, ...elsewhere]);
  assert.equal(again.code, 7);
  assert.match(again.stderr, /restore into an empty directory/);
  const shown = await runHere(['storage', 'status', ...elsewhere]);
  assert.match(shown.stdout, /^sessions {2}1$/m);
  assert.match(shown.stdout, /^store {5}[0-9a-f]{32}, at 1\.\d+$/m);
});

test('where there is no store, that is said', async (t) => {
  const { config } = makePlace(t);
  const { code, stderr } = await runHere(['storage', 'status', '--config', config]);
  assert.equal(code, 7);
  assert.match(stderr, /journal\.db: is not there/);
});
