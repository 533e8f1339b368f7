import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ToolServerState } from '@modelhost/contracts';
import type { ToolServer } from '@modelhost/contracts';
import { createModelHostClient } from '@modelhost/sdk';
import type { ModelHostClient } from '@modelhost/sdk';
import { writeHostConfig } from './fixtures/host-config.ts';
import { descendantsOf, isAlive, runHere, startCli } from './testing.ts';
import type { Running } from './testing.ts';

const state: {
  directory: string;
  environment: Record<string, string | undefined>;
  serve?: Running;
  client?: ModelHostClient;
  operatorKey?: string;
} = {
  directory: '',
  environment: { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
};

// Processes are for what ends by a signal; the others would only load the same again.
const runAs = async (environment: typeof state.environment, ...args: readonly string[]) =>
  runHere(args, { environment, now: Date.now });
const cli = async (...args: readonly string[]) => runAs(state.environment, ...args);

before(async () => {
  state.directory = await realpath(await mkdtemp(join(tmpdir(), 'model-host-cli-')));
  const { file, apiKey, operatorKey } = await writeHostConfig(state.directory);
  state.environment['MODEL_HOST_API_KEY'] = apiKey;
  state.operatorKey = operatorKey;
  state.serve = startCli(['serve', '--config', file], state.environment);
  const [, address = ''] = await state.serve.until(/serves on ([\d.:]+),/);
  state.environment['MODEL_HOST_ADDRESS'] = address;
  state.client = createModelHostClient({ address, apiKey });
  for (let servers = await readServers(); !servers.every(isReady); servers = await readServers()) {
    const isComing = (server: ToolServer): boolean =>
      isReady(server) || server.state === ToolServerState.CONNECTING;
    assert.ok(servers.every(isComing));
    await nextTurn();
  }
});

after(async () => {
  state.client?.close();
  state.serve?.child.kill('SIGKILL');
  await rm(state.directory, { recursive: true });
});

function asOperator(): typeof state.environment {
  return { ...state.environment, MODEL_HOST_API_KEY: state.operatorKey };
}

async function readServers(): Promise<readonly ToolServer[]> {
  return (await state.client?.listTools())?.servers ?? assert.fail();
}

function isReady({ state: at }: ToolServer): boolean {
  return at === ToolServerState.READY || at === ToolServerState.QUARANTINED;
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

test('a call that needs the yes of others waits for it, whatever the one who asked says', async () => {
  const run = startCli(['run', 'player', 'folder', '--approve', 'yes'], state.environment);
  const [, runId = '', approvalId = ''] = await run.until(
    /waits until .* for a yes from operator; yours does not count[^]*`model-host runs approve (run_\w+) (apr_\w+)`/,
  );
  const show = await cli('runs', 'show', runId);
  assert.match(show.stdout, /`model-host runs follow run_\w+` shows the call, who has to say yes /);
  const own = await cli('runs', 'approve', runId, approvalId);
  assert.equal(own.code, 4);
  const given = await runAs(asOperator(), 'runs', 'approve', runId, approvalId);
  assert.equal(given.code, 0, given.stderr);
  const { code, stdout } = await run.ended;
  assert.equal(code, 0);
  assert.match(stdout, /\n {6}needs a yes from operator; who asked does not count\n {6}until /);
  assert.match(stdout, /✓ approved apr_\w+ by otto\n/);
  assert.equal(existsSync(join(state.directory, 'files/new')), true);
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
    [['tools', 'pins', 'none'], 5, /there is no tool server none\nnext: .*tools status/],
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
  const denied = await runAs(environment, 'runs', 'list');
  assert.equal(denied.code, 4);
  assert.match(denied.stderr, /^unauthenticated: .*\nnext: set MODEL_HOST_API_KEY/);
});

test('a key may come from a file', async () => {
  const file = join(state.directory, 'key');
  await writeFile(file, `${state.environment['MODEL_HOST_API_KEY']}\n`);
  const environment = { ...state.environment, MODEL_HOST_API_KEY: undefined };
  assert.equal((await runAs(environment, 'agents', 'list', '--api-key-file', file)).code, 0);
});

test('what is held back is shown and approved by who may, exactly as it was shown; then it asks a person', async () => {
  const pins = await cli('tools', 'pins', 'desk', '--pending');
  assert.match(pins.stdout, /^desk__greet new [0-9a-f]{64}\n[^]*\+description: Greets\.\n/);
  assert.equal(pins.stderr, 'next: `model-host tools approve desk`\n');
  const [unasked, unknown, powerless] = await Promise.all([
    cli('tools', 'approve', 'desk'),
    cli('tools', 'approve', 'desk', 'nothing', '--yes'),
    cli('tools', 'approve', 'desk', '--yes'),
  ]);
  assert.deepEqual([unasked.code, unknown.code, powerless.code], [2, 5, 4]);
  const approved = await runAs(asOperator(), 'tools', 'approve', 'desk', 'greet', '--yes');
  assert.deepEqual([approved.code, approved.stderr], [0, 'approved 1 tool of desk\n']);

  const unanswered = await cli('run', 'player', 'greet');
  assert.match(
    unanswered.stdout,
    /\? input (inp_[0-9a-f]{26}) wanted by desk__greet, which says: Who are you\?\n {6}name: text\n/,
  );
  assert.match(unanswered.stdout, /Nobody to greet: cancel/);

  const runId = await startRun('greet');
  const follow = startCli(['runs', 'follow', runId], state.environment);
  const [, inputId = ''] = await follow.until(/next: `model-host runs answer run_\w+ (inp_\w+) /);
  const answerWith = async (...args: readonly string[]) =>
    cli('runs', 'answer', runId, inputId, ...args);
  const [show, neither, both, misfit] = await Promise.all([
    cli('runs', 'show', runId),
    answerWith(),
    answerWith('--accept', '--decline'),
    answerWith('--accept', '--content', '{"name":"A"}'),
  ]);
  assert.match(show.stdout, new RegExp(`waits {4}for input ${inputId}: `));
  assert.deepEqual([neither.code, both.code, misfit.code], [2, 2, 2]);
  assert.match(misfit.stderr, /content_json\.name: /);
  const given = await answerWith('--accept', '--content', '{"name":"Ann"}');
  assert.deepEqual([given.code, given.stderr], [0, `${inputId} given\n`]);
  const { code, stdout } = await follow.ended;
  assert.equal(code, 0);
  assert.match(stdout, new RegExp(`✓ input given ${inputId} by ines\n[^]*Hello Ann`));
  assert.equal((await answerWith('--decline')).code, 1);
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

test('a tool is shown, and tried under policy', async () => {
  const [show, call, refused, wrong] = await Promise.all([
    cli('tools', 'show', 'files__read_text_file'),
    cli('tools', 'call', 'files__list_allowed_directories'),
    cli('tools', 'call', 'files__move_file', '{"source":"a","destination":"b"}'),
    cli('tools', 'call', 'files__read_text_file', '{"path":7}'),
  ]);
  assert.match(show.stdout, /^files__read_text_file\nserver {3}files \(read_text_file\)\n/);
  assert.match(
    show.stdout,
    /\nfiles__read_text_file approved [0-9a-f]{64}\n {2}approved by first-use\n/,
  );
  assert.deepEqual([call.code, call.stdout.includes(state.directory)], [0, true]);
  assert.match(call.stderr, /^called in .*\(call_\w+\)\n$/);
  assert.deepEqual([refused.code, refused.stdout], [4, '']);
  assert.match(refused.stderr, /^policy_violation: /);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /\n {2}path: must be string\n/);
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
