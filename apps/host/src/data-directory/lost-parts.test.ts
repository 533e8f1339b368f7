import assert from 'node:assert/strict';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import type { TestContext } from 'node:test';
import { HostError } from '@modelhost/kernel';
import { createModelHostClient } from '@modelhost/sdk';
import {
  keys,
  makeDirectory,
  startSilently,
  task,
  writeHostConfig,
} from '../fixtures/started-host.ts';
import type { RunningHost } from '../host.ts';
import { emptyState, writeState } from '../policy/policy-state.ts';
import { createStorageTools } from '../storage/storage-tools.ts';
import type { StorageTools } from '../storage/storage-tools.ts';
import type { DataPart } from './data-record.ts';

/** Of what is done to storage while no host runs. */
const nowMs = 1_750_000_000_000;

interface Place {
  readonly data: string;
  readonly storage: StorageTools;
  start(environment?: Readonly<Record<string, string>>): Promise<RunningHost>;
  /** Starts and stops. */
  pass(): Promise<void>;
  /** The message of a start that is refused because this part is lost. */
  refused(part: DataPart, environment?: Readonly<Record<string, string>>): Promise<string>;
  /** What is on record of storage, by action and part. */
  recorded(): readonly string[];
}

/** With everything that a host may leave in its data directory. Hosts are slow to start, so one makes it for all. */
const template = makeDirectory({ after });
let filled: Promise<void> | undefined;

async function fill(): Promise<void> {
  const config = writeHostConfig(template);
  const data = join(template, 'data');
  // What only some configurations have is known once it is there.
  mkdirSync(join(data, 'policy'), { recursive: true });
  writeFileSync(join(data, 'policy', 'state.json'), 'of an earlier configuration');
  const pins = { format: 'modelhost-pins', version: 1, servers: {} };
  writeFileSync(join(data, 'tool-pins.json'), JSON.stringify(pins));
  await (await startSilently(config)).drain();
}

/** A copy of it, and no host. */
async function makePlace(t: TestContext): Promise<Place> {
  filled ??= fill();
  await filled;
  const directory = makeDirectory(t);
  cpSync(template, directory, { recursive: true });
  const config = writeHostConfig(directory);
  const data = join(directory, 'data');
  const start: Place['start'] = async (environment) => startSilently(config, environment);
  const pass = async (): Promise<void> => {
    await (await start()).drain();
  };
  return {
    data,
    storage: createStorageTools(config, {}),
    start,
    pass,
    refused: async (part, environment) => {
      const host = await start(environment).catch((fault: unknown) => fault);
      assert.ok(host instanceof HostError, `it started without ${part}`);
      assert.deepEqual([host.code, host.facts['reason']], ['storage_unavailable', 'lost']);
      assert.match(host.message, new RegExp(`accept-loss ${part}`));
      return host.message;
    },
    recorded: () =>
      readFileSync(join(data, 'audit.jsonl'), 'utf8')
        .split('\n')
        .flatMap((line) => /"action":"(loss-accepted|restored)".*"part":"(\w+)"/.exec(line) ?? [])
        .filter((_, index) => index % 3 > 0)
        .flatMap((word, index, words) => (index % 2 === 0 ? `${word} ${words[index + 1]}` : [])),
  };
}

const files: Readonly<Record<DataPart, string>> = {
  audit: 'audit.jsonl',
  decisions: 'decisions.db',
  keys: 'master.key',
  pins: 'tool-pins.json',
  policy: 'policy/state.json',
  runs: 'runs/journal.db',
};

// The names are those of the table.
const parts = Object.entries(files) as readonly [DataPart, string][];

for (const [part, file] of parts) {
  test(`a host does not start where ${file} is missing or empty but was there`, async (t) => {
    const place = await makePlace(t);
    const path = join(place.data, file);
    truncateSync(path);
    assert.match(await place.refused(part), new RegExp(`/${file}: is empty; .* at 20\\d\\d-`));
    rmSync(path);
    // Nor does the note on the end of an audit log have to be there.
    rmSync(`${path}.head`, { force: true });
    assert.match(await place.refused(part), new RegExp(`/${file}: is missing; `));
    // Nothing was made by the attempt.
    assert.equal(existsSync(path), false);
  });
}

test('what somebody says to go on without is begun anew, and on record once', async (t) => {
  const place = await makePlace(t);
  const { storage } = place;
  for (const [part, file] of parts) {
    rmSync(join(place.data, file));
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    assert.equal(typeof (await storage.acceptLoss(part, nowMs))['atMs'], 'number');
  }
  await assert.rejects(storage.acceptLoss('runs', 1), /nothing is known of runs/);
  // What is left of a part that was never known is moved out of the way all the same.
  writeFileSync(join(place.data, 'runs', 'journal.db-wal'), 'left');
  assert.deepEqual(await storage.acceptLoss('runs', 7), {});
  assert.ok(existsSync(join(place.data, 'runs', 'journal.db-wal.lost-7')));
  await place.pass();
  assert.deepEqual(
    place.recorded(),
    [...parts.map(([part]) => part), 'runs'].map((part) => `loss-accepted ${part}`),
  );
  await place.pass();
  assert.equal(place.recorded().length, parts.length + 1);
  rmSync(join(place.data, 'runs', 'journal.db'));
  await place.refused('runs');
});

test('what a kill leaves behind is taken, and without the log of its database it is refused', async (t) => {
  const [place, crashed, torn] = [await makePlace(t), await makePlace(t), await makePlace(t)];
  const host = await place.start();
  for (const { data } of [crashed, torn]) {
    rmSync(data, { recursive: true });
    // Files as they are at this moment, in the order in which they are written.
    cpSync(place.data, data, { recursive: true });
  }
  await host.drain();
  rmSync(join(torn.data, 'runs', 'journal.db-wal'));
  const message = await torn.refused('runs');
  assert.match(message, /journal\.db: lacks its last writes \(is at 1\.\d+\), .* was at 2\.\d+ on/);
  await assert.rejects(torn.storage.verify(), /lacks its last writes/);
  await torn.storage.acceptLoss('runs', 1);
  await torn.pass();
  assert.deepEqual(torn.recorded(), ['loss-accepted runs']);
  await crashed.pass();
  assert.deepEqual(crashed.recorded(), []);
});

test('runs from right before the last write are refused', async (t) => {
  const [place, crashed] = [await makePlace(t), await makePlace(t)];
  const host = await place.start();
  const older = join(crashed.data, 'older');
  cpSync(join(place.data, 'runs'), older, { recursive: true });
  const client = createModelHostClient({ address: host.grpcAddress, apiKey: keys.alice.key });
  await client.startRun(task('answer'));
  client.close();
  for (const file of ['store.json', 'runs.reached', 'audit.jsonl', 'audit.jsonl.head']) {
    cpSync(join(place.data, file), join(crashed.data, file));
  }
  await host.drain();
  rmSync(join(crashed.data, 'runs'), { recursive: true });
  renameSync(older, join(crashed.data, 'runs'));
  assert.match(await crashed.refused('runs'), /lacks its last writes/);
  await crashed.storage.acceptLoss('runs', 1);
  await crashed.pass();
});

test('a state of policy from before its last activation is refused', async (t) => {
  const place = await makePlace(t);
  const path = join(place.data, 'policy', 'state.json');
  const stateOf = (revision: number): string =>
    writeState({ ...emptyState, marks: { 'platform/base': { revision, digest: 'digest' } } });
  writeFileSync(path, stateOf(7));
  await place.pass();
  writeFileSync(path, stateOf(6));
  assert.match(
    await place.refused('policy'),
    /state\.json: is from before its last activation \(revisions 6\); .*revisions 7\./,
  );
  writeFileSync(path, stateOf(8));
  await place.pass();
});

test('another key than the one that the rest is sealed under is refused', async (t) => {
  const place = await makePlace(t);
  const environment = { MODEL_HOST_MASTER_KEY: Buffer.alloc(32, 7).toString('base64') };
  assert.match(await place.refused('keys', environment), /master\.key: is another key/);
  const own = readFileSync(join(place.data, 'master.key'), 'utf8').trim();
  // The same key from elsewhere is the same key.
  rmSync(join(place.data, 'master.key'));
  await (await place.start({ MODEL_HOST_MASTER_KEY: own })).drain();
  assert.match(await place.refused('keys'), /master\.key: is missing/);
});

test('an audit log that lost its end together with the note on it is refused', async (t) => {
  const place = await makePlace(t);
  const path = join(place.data, 'audit.jsonl');
  const lines = readFileSync(path, 'utf8').split('\n');
  writeFileSync(path, `${lines[0]}\n`);
  rmSync(`${path}.head`);
  assert.match(await place.refused('audit'), /audit\.jsonl: ends at 0; .*index 1,/);
  await place.storage.acceptLoss('audit', 1);
  await place.pass();
  assert.deepEqual(place.recorded(), ['loss-accepted audit']);
});

test('a directory whose host kept no record of it is taken as it is, and has one from then on', async (t) => {
  const place = await makePlace(t);
  const path = join(place.data, 'store.json');
  rmSync(path);
  await place.pass();
  rmSync(join(place.data, 'runs'), { recursive: true });
  assert.match(await place.refused('runs'), /storeId [0-9a-f]{32}, epoch 2/);
  writeFileSync(path, readFileSync(path, 'utf8').replace('"epoch":2', '"epoch":1'));
  await assert.rejects(place.start(), /store\.json: was changed; .*move this file away/);
  writeFileSync(path, '');
  await assert.rejects(place.start(), /store\.json: is damaged/);
});

test('a backup is restored in the place of what was lost, and that is on record', async (t) => {
  const place = await makePlace(t);
  const backup = join(place.data, 'backup.db');
  const host = await place.start();
  await place.storage.backup(backup);
  await assert.rejects(place.storage.acceptLoss('runs', 1), /another host uses this/);
  const runs = join(place.data, 'runs');
  renameSync(runs, `${runs}-moved`);
  await assert.rejects(place.storage.restore(backup, nowMs), {
    code: 'storage_unavailable',
    message: /\/data: another host uses this data directory; stop it/,
  });
  rmSync(runs, { recursive: true });
  renameSync(`${runs}-moved`, runs);
  const client = createModelHostClient({ address: host.grpcAddress, apiKey: keys.alice.key });
  await client.startRun(task('answer'));
  client.close();
  await host.drain();
  await place.storage.verify();
  rmSync(join(place.data, 'runs'), { recursive: true });
  await place.refused('runs');
  await place.storage.restore(backup, nowMs);
  await place.storage.verify();
  await place.pass();
  assert.deepEqual(place.recorded(), ['restored runs']);
  await place.storage.compact(nowMs);
  await place.storage.verify();
  // What is not all there is restored all the same, and told.
  loseTurn(backup);
  rmSync(join(place.data, 'runs'), { recursive: true });
  const problem = await place.storage.restore(backup, nowMs);
  assert.match(String(problem?.message), /not all there: the turn before that of run_2 \(acme\)/);
});

function loseTurn(path: string): void {
  using database = new DatabaseSync(path);
  const columns = 'before, number, tenant, run_id, needed_by';
  database.exec(`INSERT INTO session_turn (${columns}) VALUES (99, 2, 'acme', 'run_2', 1);
    INSERT INTO session_piece (turn, body) SELECT id, x'01' FROM session_turn`);
}

test('nothing is lost where there is no data directory', async (t) => {
  const place = await makePlace(t);
  rmSync(place.data, { recursive: true });
  const refused = { code: 'failed_precondition', message: /\/data: is no directory/ };
  await assert.rejects(place.storage.acceptLoss('runs', nowMs), refused);
  writeFileSync(place.data, 'text');
  await assert.rejects(place.storage.acceptLoss('runs', nowMs), refused);
});

test('where a restoration did not finish no host begins anew, and it can be run again or given up', async (t) => {
  const [place, fresh] = [await makePlace(t), await makePlace(t)];
  const backup = join(place.data, 'backup.db');
  await place.storage.backup(backup);
  const runs = join(fresh.data, 'runs');
  const part = join(runs, 'journal.db.part');
  const leaveUnfinished = (): void => {
    rmSync(runs, { recursive: true });
    rmSync(join(fresh.data, 'store.json'), { force: true });
    mkdirSync(runs);
    writeFileSync(part, readFileSync(backup).subarray(0, 9_000));
  };
  leaveUnfinished();
  await assert.rejects(fresh.start(), /journal\.db\.part: .* did not finish; run/);
  await fresh.storage.restore(backup, 1);
  await fresh.pass();
  assert.deepEqual(fresh.recorded(), ['restored runs']);
  leaveUnfinished();
  await fresh.storage.acceptLoss('runs', 7);
  assert.ok(existsSync(`${part}.lost-7`));
  await fresh.pass();
});

test('a host whose directory was moved away takes no new runs, and leaves alone what is there now', async (t) => {
  const place = await makePlace(t);
  const host = await place.start();
  const moved = `${place.data}-moved`;
  renameSync(place.data, moved);
  cpSync(moved, place.data, { recursive: true });
  const client = createModelHostClient({ address: host.grpcAddress, apiKey: keys.alice.key });
  await assert.rejects(client.startRun(task('answer')), {
    code: 'storage_unavailable',
    message: /journal\.db: was moved or removed/,
  });
  client.close();
  const record = readFileSync(join(place.data, 'store.json'), 'utf8');
  await host.drain();
  assert.equal(readFileSync(join(place.data, 'store.json'), 'utf8'), record);
  await place.pass();
});

test('the record of a directory has no key and no text of anybody', async (t) => {
  const place = await makePlace(t);
  const text = readFileSync(join(place.data, 'store.json'), 'utf8');
  const key = readFileSync(join(place.data, 'master.key'), 'utf8').trim();
  assert.equal(text.includes(key), false);
  assert.ok(text.length < 2_000);
});
