import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { CliContext } from '../context.ts';
import { commandProgram, descendantsOf, isAlive, runHere, startCli } from '../testing.ts';
import type { Ended } from '../testing.ts';
import { createPaint } from '../text/paint.ts';
import { demo } from './demo.ts';

const policies = fileURLToPath(new URL('../../../../examples/demo/policies/', import.meta.url));
let root = '';

before(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'demo-test-')));
});
after(async () => rm(root, { recursive: true }));

/** A folder that no script can know, and a place for what the demo makes. */
interface Fixture {
  readonly folder: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly texts: ReadonlyMap<string, string>;
  readonly secret: string;
  /** In this process, to load no other. */
  readonly run: (...args: readonly string[]) => Promise<Ended>;
}

function word(): string {
  return randomBytes(6).toString('hex');
}

async function createFixture(): Promise<Fixture> {
  const home = await mkdtemp(join(root, 'case-'));
  const [folder, temporary] = [join(home, word()), join(home, 'tmp')];
  await mkdir(join(folder, 'private'), { recursive: true });
  await mkdir(temporary);
  const texts = new Map([1, 2, 3].map(() => [`${word()}.txt`, `the word is ${word()}`]));
  for (const [name, text] of texts) await writeFile(join(folder, name), `${text}\n`);
  const secret = `nobody may read ${word()}`;
  await writeFile(join(folder, 'private', `${word()}.txt`), secret);
  const environment = {
    TMPDIR: temporary,
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
  };
  const run: Fixture['run'] = async (...args) =>
    runHere(['demo', '--dir', folder, ...args], {
      environment: { ...environment, PATH: process.env['PATH'] },
      program: commandProgram,
      now: Date.now,
    });
  return { folder, environment, texts, secret, run };
}

test('the report quotes files that no script could know, one call is denied, one approved', async () => {
  const { folder, texts, secret, environment, run } = await createFixture();
  const task = `Look into "${folder}" and write what you find to findings.md`;
  const { code, stdout, stderr } = await run('--task', task);
  assert.equal(code, 0, stderr);
  const report = await readFile(join(folder, 'findings.md'), 'utf8');
  for (const [name, text] of texts) {
    assert.ok(report.includes(name), name);
    assert.ok(report.includes(text), text);
  }
  assert.ok(!report.includes(secret) && !stdout.includes(secret));
  assert.match(stdout, /✗ denied files__read_text_file .*private.*\n +demo\.private-files: /);
  assert.match(stderr, /nobody can be asked here, so the answer is yes/);
  assert.match(stdout, /✓ approved apr_/);
  assert.match(stdout, /\ncompleted\n.*\d+ tool calls \(1 denied\) · 1 approval/);
  assert.match(stdout, /\nwrote .*findings\.md\n│ /);
  assert.match(stdout, /\naudit .*audit\.jsonl: intact, \d+ records, head [0-9a-f]{64}\n$/);
  assert.deepEqual(await readdir(environment['TMPDIR'] ?? ''), []);
});

test('without the rule that denies, the same call succeeds; a report that is there already stays as it is', async () => {
  const { folder, secret, run } = await createFixture();
  await writeFile(join(folder, 'report.md'), 'mine');
  const own = join(root, 'policies');
  await cp(policies, own, { recursive: true });
  await rm(join(own, '20-private.cedar'));
  const { code, stdout, stderr } = await run('--policies', own);
  assert.equal(code, 0, stderr);
  assert.doesNotMatch(stdout, /denied/);
  assert.equal(await readFile(join(folder, 'report.md'), 'utf8'), 'mine');
  const report = await readFile(join(folder, 'report-2.md'), 'utf8');
  assert.match(report, /^# Report on /);
  assert.ok(report.includes(secret));
});

test('a folder beyond every bound is reported within the budget, with what was left out', async () => {
  const { folder, run } = await createFixture();
  for (let index = 0; index < 70; index += 1) {
    await mkdir(join(folder, `sub${index}`));
    await writeFile(join(folder, `sub${index}`, 'text.txt'), word());
  }
  const { code, stderr } = await run();
  assert.equal(code, 0, stderr);
  const report = await readFile(join(folder, 'report.md'), 'utf8');
  assert.match(report, /^\d+ of 66 files were read/m);
  assert.match(report, /^Left out: 34 files \(.*, and 29 more\)/m);
  assert.match(report, /^Not visited: 8 folders \(.*, and 3 more\)/m);
});

test('an answer of no stops the call, and only that', async () => {
  const { folder, run } = await createFixture();
  const { code, stdout } = await run('--approve', 'no');
  assert.equal(code, 0);
  assert.match(stdout, /✗ refused apr_\w+ by local/);
  assert.match(stdout, /files__write_file .* did not run/);
  assert.match(stdout, /\nno file was written\n/);
  assert.match(stdout, /\ncompleted\n/);
  assert.equal(existsSync(join(folder, 'report.md')), false);
});

test('no process is left, and what is kept can be verified by anybody', async () => {
  const { folder, environment } = await createFixture();
  const running = startCli(['demo', '--dir', folder, '--keep'], environment);
  await running.until(/\ntools files \(\d+ tools\), memory \(\d+ tools\)\n/);
  const children = await descendantsOf(running);
  assert.ok(children.length >= 2);
  const { code, stdout, stderr } = await running.ended;
  assert.equal(code, 0);
  assert.deepEqual(children.filter(isAlive), []);
  assert.match(stdout, /\naudit .*audit\.jsonl: intact, \d+ records, head [0-9a-f]{64}\n$/);
  const kept = /^kept (.*)$/m.exec(stderr)?.[1] ?? assert.fail(stderr);
  const audit = join(kept, 'data/audit.jsonl');
  assert.equal((await runHere(['audit', 'verify', audit])).code, 0);
  const lines = (await readFile(audit, 'utf8')).split('\n');
  await writeFile(audit, lines.toSpliced(3, 1).join('\n'));
  const broken = await runHere(['audit', 'verify', audit]);
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /audit\.jsonl:4: broken-chain/);
});

test('a run that completed is no success when the audit file is not verified', async () => {
  const { folder } = await createFixture();
  const exitCodes: number[] = [];
  const said: string[] = [];
  const context: CliContext = {
    process: { stdout: { write: () => {} }, stderr: { write: () => {} } },
    environment: { PATH: process.env['PATH'] },
    paint: createPaint(false),
    now: () => 0,
    print: () => {},
    say: (text) => void said.push(text),
    ask: undefined,
    onInterrupt: () => () => {},
    // A process that verifies nothing.
    program: [process.execPath, '-e', 'process.exit(1)'],
    hostProcess: { on: () => {}, off: () => {}, exit: () => {} },
    streams: { input: new PassThrough(), output: new PassThrough() },
    exitWith: (exitCode) => void exitCodes.push(exitCode),
  };
  await demo(context, { dir: folder, approve: 'yes', model: 'demo' });
  assert.deepEqual(exitCodes, [1]);
  assert.match(said.join('\n'), /audit: not verified/);
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  test(`${signal} ends the demo with 130 and leaves neither process nor folder`, async () => {
    const { folder, environment } = await createFixture();
    const running = startCli(['demo', '--dir', folder], environment);
    await running.until(/^host/m);
    const children = await descendantsOf(running);
    running.child.kill(signal);
    assert.equal((await running.ended).code, 130);
    assert.deepEqual(children.filter(isAlive), []);
    assert.deepEqual(await readdir(environment['TMPDIR'] ?? ''), []);
  });
}

test('a model without its key is refused before anything starts, and the remedy is named', async () => {
  const { run } = await createFixture();
  const { code, stdout, stderr } = await run('--model', 'openai');
  assert.equal(code, 3);
  assert.equal(stdout, '');
  assert.match(stderr, /OPENAI_API_KEY is not set\nnext: set OPENAI_API_KEY, /);
  assert.doesNotMatch(stderr, /--set|providers/);
});
