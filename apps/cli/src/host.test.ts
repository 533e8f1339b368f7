import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ToolServerState } from '@modelhost/contracts';
import type { ToolServer } from '@modelhost/contracts';
import { createModelHostClient } from '@modelhost/sdk';
import type { ModelHostClient } from '@modelhost/sdk';
import { descendantsOf, isAlive, runCli, startCli } from './testing.ts';
import type { Ended, Running } from './testing.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const state: {
  directory: string;
  environment: Record<string, string | undefined>;
  serve?: Running;
  client?: ModelHostClient;
} = {
  directory: '',
  environment: { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
};

const cli = async (...args: readonly string[]): Promise<Ended> => runCli(args, state.environment);

before(async () => {
  state.directory = await realpath(await mkdtemp(join(tmpdir(), 'model-host-cli-')));
  const config = await writeConfig(state.directory);
  state.serve = startCli(['serve', '--config', config], state.environment);
  const [, address = ''] = await state.serve.until(/serves on ([\d.:]+),/);
  state.environment['MODEL_HOST_ADDRESS'] = address;
  state.client = createModelHostClient({
    address,
    apiKey: state.environment['MODEL_HOST_API_KEY'],
  });
  for (let servers = await readServers(); !servers.every(isReady); servers = await readServers()) {
    assert.ok(servers.every(({ state: at }) => at === ToolServerState.CONNECTING));
    await nextTurn();
  }
});

after(async () => {
  state.client?.close();
  state.serve?.child.kill('SIGKILL');
  await rm(state.directory, { recursive: true });
});

/** A model that plays a script, a real tool server, and a key. */
async function writeConfig(directory: string): Promise<string> {
  const created = await cli('keys', 'create', '--tenant', 'acme', '--subject', 'ines', '--json');
  // Our own output, whose shape the test of `keys create` holds.
  const { key, entry } = JSON.parse(created.stdout) as { key: string; entry: object };
  state.environment['MODEL_HOST_API_KEY'] = key;
  const files = join(directory, 'files');
  await mkdir(files);
  await cp(join(root, 'examples/demo/policies'), join(directory, 'policies'), { recursive: true });
  const write = (name: string): object => ({
    name: 'files__write_file',
    arguments: { path: join(files, name), content: `text of ${name}` },
  });
  const script = [
    { when: { turn: 1, userContains: 'write one' }, toolCalls: [write('one.txt')] },
    { when: { turn: 1, userContains: 'write two' }, toolCalls: [write('two.txt')] },
    { when: { turn: 1, userContains: 'write three' }, toolCalls: [write('three.txt')] },
    { when: { userContains: 'slow' }, text: 'late', delayMs: 60_000 },
    { when: { userContains: 'broken' }, error: { code: 'provider_unavailable' } },
    { when: {}, text: 'the answer' },
  ];
  await writeFile(join(directory, 'script.yaml'), JSON.stringify(script));
  const server = join(root, 'node_modules/@modelcontextprotocol/server-filesystem/dist/index.js');
  const config = {
    server: { port: 0, healthPort: 0, dataDirectory: 'data', auth: { apiKeys: [entry] } },
    providers: [
      {
        name: 'script',
        type: 'scripted',
        scriptFile: 'script.yaml',
        models: [{ id: 'm', model: 's' }],
      },
    ],
    agents: [{ id: 'player', model: 'm', tools: ['files__*'] }],
    tools: { servers: [{ alias: 'files', command: process.execPath, args: [server, files] }] },
    policies: { directory: 'policies' },
  };
  const file = join(directory, 'model-host.yaml');
  await writeFile(file, JSON.stringify(config));
  return file;
}

async function readServers(): Promise<readonly ToolServer[]> {
  return (await state.client?.listTools())?.servers ?? assert.fail();
}

function isReady({ state: at }: ToolServer): boolean {
  return at === ToolServerState.READY;
}

async function nextTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  setImmediate(resolve);
  await promise;
}

async function startRun(task: string): Promise<string> {
  const started = await state.client?.startRun({
    agent: 'player',
    input: [{ part: { case: 'text', value: { text: task } } }],
  });
  return started?.runId ?? assert.fail();
}

test('a run is shown to its end, listed and shown again', async () => {
  const { code, stdout } = await cli('run', 'player', 'hello', '--metadata', 'ticket=a=b');
  assert.equal(code, 0);
  const match =
    /^run (run_[0-9a-z]{26}) {2}agent player, model m\nturn-1\n {2}the answer\ncompleted\n/;
  const runId = match.exec(stdout)?.[1] ?? assert.fail(stdout);
  const [list, show, json, follow] = await Promise.all([
    cli('runs', 'list', '--state', 'finished', '--limit', '200'),
    cli('runs', 'show', runId),
    cli('runs', 'show', runId, '--json'),
    cli('runs', 'follow', runId),
  ]);
  assert.match(list.stdout, new RegExp(`^RUN .*\\n(?:.*\\n)*${runId} +player +completed +ines `));
  assert.match(
    show.stdout,
    /by {7}ines\n.*\nfinished.*\nevents .*\nlabel {4}ticket=a=b\ncompleted\n/,
  );
  assert.match(show.stdout, /\nthe answer\n$/);
  const shown: unknown = JSON.parse(json.stdout);
  assert.partialDeepStrictEqual(shown, { runId, metadata: { ticket: 'a=b' }, waitingFor: [] });
  assert.deepEqual([follow.code, follow.stdout], [0, stdout]);
});

test('with JSON each event is a line, contiguous, and nothing else is on stdout', async () => {
  const { code, stdout } = await cli('run', 'player', 'write one', '--json', '--approve', 'no');
  assert.equal(code, 0);
  const lines = stdout.trimEnd().split('\n');
  // Lines of our own contract.
  const events = lines.map((line) => JSON.parse(line) as { sequence: string });
  assert.deepEqual(
    events.map(({ sequence }) => Number(sequence)),
    lines.map((_line, index) => index + 1),
  );
  assert.ok(lines.some((line) => line.includes('approvalRequested')));
});

test('where nobody can be asked the answer is no, and the call does not run', async () => {
  const { code, stdout, stderr } = await cli('run', 'player', 'write one');
  assert.equal(code, 0);
  assert.match(stderr, /nobody can be asked here, so the answer is no/);
  assert.match(stdout, /✗ refused apr_\w+ by ines/);
  assert.match(stdout, /files__write_file .* did not run; the model was told why/);
  assert.equal(existsSync(join(state.directory, 'files/one.txt')), false);
});

test('another process approves exactly the call that a run waits for, once', async () => {
  const runId = await startRun('write two');
  const follow = startCli(['runs', 'follow', runId], state.environment);
  const [, approvalId = ''] = await follow.until(/runs approve run_\w+ (apr_\w+)/);
  assert.match((await cli('runs', 'show', runId)).stdout, /waiting\n(.*\n)*waits {4}for approval/);
  const approved = await cli('runs', 'approve', runId, approvalId, '--comment', 'fine with me');
  assert.equal(approved.code, 0);
  const ended = await follow.ended;
  assert.equal(ended.code, 0);
  assert.match(ended.stdout, /✓ approved apr_\w+ by ines: fine with me\n/);
  assert.equal(await readFile(join(state.directory, 'files/two.txt'), 'utf8'), 'text of two.txt');
  const again = await cli('runs', 'deny', runId, approvalId);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /failed_precondition/);
});

test('another process says no', async () => {
  const runId = await startRun('write three');
  const follow = startCli(['runs', 'follow', runId], state.environment);
  const [, approvalId = ''] = await follow.until(/runs approve run_\w+ (apr_\w+)/);
  assert.equal((await cli('runs', 'deny', runId, approvalId)).code, 0);
  assert.match((await follow.ended).stdout, /✗ refused/);
  assert.equal(existsSync(join(state.directory, 'files/three.txt')), false);
});

test('Ctrl-C cancels the run, shows how it ends, and ends with 130', async () => {
  const run = startCli(['run', 'player', 'slow'], state.environment);
  await run.until(/turn-1/);
  run.child.kill('SIGINT');
  const { code, stdout, stderr } = await run.ended;
  assert.equal(code, 130);
  assert.match(stderr, /cancelling run_\w+; once more to leave at once/);
  assert.match(stdout, /\ncancelled by ines\n/);
});

test('Ctrl-C on a follower leaves the run alone; runs cancel ends it', async () => {
  const runId = await startRun('slow');
  const follow = startCli(['runs', 'follow', runId], state.environment);
  await follow.until(/turn-1/);
  follow.child.kill('SIGINT');
  const { code, stderr } = await follow.ended;
  assert.deepEqual([code, stderr], [130, `${runId} goes on\n`]);
  assert.match((await cli('runs', 'show', runId)).stdout, / running\n/);
  const last = startCli(['runs', 'follow', runId, '--after', '1'], state.environment);
  await last.until(/turn-1/);
  assert.equal((await cli('runs', 'cancel', runId)).code, 0);
  const ended = await last.ended;
  assert.equal(ended.code, 1);
  assert.match(ended.stdout, /^turn-1\ncancelled by ines\n/);
});

test('each way to fail has its exit code and its next command', async () => {
  const failures: readonly (readonly [args: string[], code: number, pattern: RegExp])[] = [
    [['run', 'nobody', 'task'], 2, /spec\.agent/],
    [['runs', 'show', 'run_none'], 5, /not_found: .*\nnext: /],
    [['run', 'player', 'x', '--budget-tokens', '1'], 6, /budget exceeded: tokens/],
    [['run', 'player', 'broken'], 7, /failed: provider_unavailable/],
  ];
  for (const [args, expected, pattern] of failures) {
    const { code, stdout, stderr } = await cli(...args);
    assert.equal(code, expected, args.join(' '));
    assert.match(`${stdout}${stderr}`, pattern);
  }
  const environment = { ...state.environment, MODEL_HOST_API_KEY: 'mh_wrong' };
  const denied = await runCli(['runs', 'list'], environment);
  assert.equal(denied.code, 4);
  assert.match(denied.stderr, /^unauthenticated: .*\nnext: set MODEL_HOST_API_KEY/);
});

test('a key may come from a file', async () => {
  const file = join(state.directory, 'key');
  await writeFile(file, `${state.environment['MODEL_HOST_API_KEY']}\n`);
  const environment = { ...state.environment, MODEL_HOST_API_KEY: undefined };
  const { code } = await runCli(['agents', 'list', '--api-key-file', file], environment);
  assert.equal(code, 0);
});

test('what the host has is listed for people and as JSON', async () => {
  const reads: readonly (readonly [args: string[], text: RegExp, json: object])[] = [
    [['agents', 'list'], /\nplayer +m +files__\* /, { agents: [{ id: 'player', model: 'm' }] }],
    [['models', 'list'], /\nm +script +s \(demo/, { models: [{ id: 'm', demo: true }] }],
    [['tools', 'list'], /\nfiles__write_file +irreversible +/, { servers: [{ alias: 'files' }] }],
    [['tools', 'status'], /\nfiles +ready +\d+ +0\n/, { servers: [{ alias: 'files' }] }],
    [['health'], /: up, \d+ runs? in flight\n.*\naudit +up /s, { status: 'HEALTH_STATUS_UP' }],
  ];
  for (const [args, text, json] of reads) {
    const [people, document] = await Promise.all([cli(...args), cli(...args, '--json')]);
    assert.match(people.stdout, text);
    const parsed: unknown = JSON.parse(document.stdout);
    assert.partialDeepStrictEqual(parsed, json);
    for (const { code, stderr } of [people, document]) assert.deepEqual([code, stderr], [0, '']);
  }
});

test('config print shows every value and where it comes from, and no secret', async () => {
  const file = join(state.directory, 'model-host.yaml');
  const flags = ['--config', file, '--set', 'server.maxConnections=7'];
  const [check, print, sources] = await Promise.all([
    cli('config', 'check', ...flags),
    cli('config', 'print', ...flags),
    cli('config', 'print', '--sources', ...flags),
  ]);
  assert.deepEqual([check.code, check.stdout, check.stderr], [0, '', `${file}: ok\n`]);
  assert.match(print.stdout, /\n {2}maxConnections: 7\n/);
  assert.match(sources.stdout, /\nserver\.maxConnections +7 +--set server\.maxConnections\n/);
  assert.match(sources.stdout, /\nserver\.port +0 +.*model-host\.yaml:1\b/);
  assert.match(sources.stdout, /\nserver\.requestTimeoutMs +30000 +default\n/);
});

test('SIGTERM drains the host: it takes no new runs, waits for the others, ends with 0 and leaves no process', async () => {
  const { serve = assert.fail() } = state;
  const children = await descendantsOf(serve);
  assert.ok(children.length > 0);
  const runId = await startRun('slow');
  serve.child.kill('SIGTERM');
  await serve.until(/"msg":"draining"/);
  const [health, refused] = await Promise.all([cli('health'), cli('run', 'player', 'hello')]);
  assert.deepEqual([health.code, refused.code], [7, 7]);
  assert.match(health.stdout, /draining, 1 run in flight/);
  assert.match(refused.stderr, /^draining: /);
  assert.equal((await cli('runs', 'cancel', runId)).code, 0);
  state.client?.close();
  assert.equal((await serve.ended).code, 0);
  assert.deepEqual(children.filter(isAlive), []);
  const verified = await cli('audit', 'verify', join(state.directory, 'data/audit.jsonl'));
  assert.deepEqual([verified.code, verified.stderr], [0, '']);
});
