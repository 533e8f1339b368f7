import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readHostConfig, startHost } from '@modelhost/host';
import type { RunningHost } from '@modelhost/host';
import { runHere } from './testing.ts';
import type { Ended } from './testing.ts';

const state: { host?: RunningHost; directory: string } = { directory: '' };

/** A model that says what it was asked, on a host without keys. */
const config = `
server: { port: 0, healthPort: 0, dataDirectory: data }
providers:
  - { name: main, type: scripted, scriptFile: script.yaml, models: [{ id: small, model: scripted }, { id: other, model: scripted }] }
agents: [{ id: helper, model: small }]
policies: { directory: policies }
`;

before(async () => {
  state.directory = await mkdtemp(join(tmpdir(), 'model-host-sessions-'));
  const file = join(state.directory, 'host.yaml');
  await mkdir(join(state.directory, 'policies'));
  await writeFile(
    join(state.directory, 'policies/all.cedar'),
    '@id("test.all") permit (principal, action, resource);\n',
  );
  await writeFile(
    join(state.directory, 'script.yaml'),
    '- { when: { userContains: "slow" }, text: "One moment.", delayMs: 60000 }\n- { when: { userContains: "" }, text: "Well." }\n',
  );
  await writeFile(file, config);
  state.host = await startHost({
    config: readHostConfig({ file, environment: {}, flags: [] }),
    version: '1.0.0',
    environment: {},
    log: 'silent',
  });
});

after(async () => {
  await state.host?.drain();
  await rm(state.directory, { recursive: true });
});

const cli = async (...args: readonly string[]): Promise<Ended> =>
  runHere(args, { environment: { MODEL_HOST_ADDRESS: state.host?.grpcAddress ?? '' } });

async function ask(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await cli(...args);
  assert.equal(code, 0, stderr);
  return stdout;
}

test('a session is created, gone on with, shown, branched, exported and deleted', async () => {
  const session = (await ask('sessions', 'create', '--title', 'Talk')).trim();
  assert.match(session, /^ses_[0-9a-z]{26}$/);
  await ask('run', 'helper', 'hello there', '--session', session);
  await ask('run', 'helper', 'and again', '--session', session);
  const shown = await ask('sessions', 'show', session);
  for (const line of ['Talk', 'turn 1', 'you  hello there', 'Well.', 'turn 2', 'you  and again']) {
    assert.ok(shown.includes(line), shown);
  }
  const branch = (await ask('sessions', 'branch', session, '--turn', '1')).trim();
  const listed = await ask('sessions', 'list');
  assert.match(listed, new RegExp(`${branch} +1 .*Talk\n${session} +2 .*Talk`));
  // It is read by its reader, not by us.
  const exported = JSON.parse(await ask('sessions', 'export', branch)) as { turns: unknown[] };
  assert.equal(exported.turns.length, 1);
  const deleted = await cli('sessions', 'delete', session);
  assert.match(deleted.stderr, /deleted, with 1 turn/);
  assert.equal((await cli('sessions', 'show', session)).code, 5);
  assert.match(await ask('sessions', 'show', branch), /branch {3}of ses_\w+ after turn 1/);
});

test('a session that a run goes on with is not deleted, and the message says what helps', async () => {
  const session = (await ask('sessions', 'create')).trim();
  const running = cli('run', 'helper', 'slow', '--session', session);
  let run = 'run_none';
  // It is listed before it is started: whoever comes in between waits.
  while ((await cli('runs', 'show', run)).code !== 0) {
    const shown = await ask('sessions', 'show', session);
    [, run = 'run_none'] = /(run_\w+) goes on with it/.exec(shown) ?? [];
  }
  const refused = await cli('sessions', 'delete', session);
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /cancel it, or wait for its end/);
  await ask('runs', 'cancel', run);
  await running;
  await ask('sessions', 'delete', session);
});

test('a replay is equal, and says so with its exit code', async () => {
  await ask('run', 'helper', 'something');
  const [, run = ''] = /(run_\w+)/.exec(await ask('runs', 'list')) ?? [];
  const verdict = await ask('runs', 'replay', run);
  const [, count = ''] = /^equal: (\d+) events, sha256:[0-9a-f]{64}\n$/.exec(verdict) ?? [];
  assert.equal(await ask('runs', 'follow', run, '--after', count), '');
  assert.match(await ask('runs', 'replay', run, '--events'), /Well\.[\s\S]*equal/);
  const json = JSON.parse(await ask('runs', 'replay', run, '--json')) as { verdict: string };
  assert.equal(json.verdict, 'REPLAY_VERDICT_EQUAL');
  const lines = (await ask('runs', 'replay', run, '--events', '--json')).trim().split('\n');
  const last = lines.map((line) => JSON.parse(line) as { verdict?: string }).at(-1);
  assert.equal(last?.verdict, 'REPLAY_VERDICT_EQUAL');
  assert.equal((await cli('runs', 'replay', 'run_none')).code, 5);
});

test('a fork is compared with the run that it comes from, for people and as a document', async () => {
  await ask('run', 'helper', 'something to fork');
  const [, run = ''] = /(run_\w+)/.exec(await ask('runs', 'list')) ?? [];
  const fork = ['runs', 'fork', run, '--at', 'turn-1/model', '--route', 'other'];
  assert.match(
    await ask(...fork),
    /\nsteps\n- model small\n- turn-1\/model  small: stop\n\+ model other\n\+ turn-1\/model  other: stop\nanswer: the same\n/,
  );
  const lines = (await ask(...fork, '--json')).trim().split('\n');
  // Our own output.
  const compared = JSON.parse(lines.at(-1) ?? '') as {
    readonly comparedWith: string;
    readonly parts: readonly { readonly part: string; readonly isSame: boolean }[];
  };
  assert.equal(compared.comparedWith, run);
  assert.deepEqual(
    compared.parts.map(({ part, isSame }) => [part, isSame]),
    [
      ['steps', false],
      ['answer', true],
      ['ending', true],
    ],
  );
});

test('a fork that is asked for again under its request id is said to be the one from before', async () => {
  await ask('run', 'helper', 'something to fork');
  const [, run = ''] = /(run_\w+)/.exec(await ask('runs', 'list')) ?? [];
  const fork = ['runs', 'fork', run, '--at', 'turn-1/model', '--request-id', 'once'];
  assert.match((await cli(...fork)).stderr, new RegExp(`run_\\w+ goes on from .* of ${run}\n`));
  const again = await cli(...fork);
  assert.match(again.stderr, /run run_\w+ was started before with this request id\n/);
  assert.doesNotMatch(again.stderr, /goes on from/);
});

test('many runs are watched as whole lines, each with its run', async () => {
  await ask('run', 'helper', 'one thing');
  await ask('run', 'helper', 'another thing');
  const [one = '', other = ''] = (await ask('runs', 'list')).match(/run_\w+/g) ?? [];
  const watched = await ask('runs', 'watch', one, other);
  for (const run of [one, other]) {
    const lines = watched.split('\n').filter((line) => line.startsWith(run.slice(-8)));
    assert.ok(
      lines.some((line) => line.endsWith('Well.')),
      watched,
    );
    assert.ok(
      lines.some((line) => line.includes('completed')),
      watched,
    );
  }
  const page = await cli('runs', 'list', '--state', 'finished', '--limit', '1');
  assert.match(page.stderr, /`model-host runs list --state finished --limit 1 --page \S+`\n$/);
  const json = await ask('runs', 'watch', one, '--json');
  const items = json
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { runId: string });
  assert.ok(items.every(({ runId }) => runId === one));
  assert.equal((await cli('runs', 'watch')).code, 2);
});
