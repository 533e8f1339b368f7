import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { openAuditFile } from '@modelhost/audit';
import { runCli, runHere } from './testing.ts';

const environment = { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] };
let directory = '';

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'model-host-cli-'));
});
after(async () => rm(directory, { recursive: true }));

test('what cannot be understood ends with 2, says why on stderr and leaves stdout empty', async () => {
  const empty = join(directory, 'empty');
  await writeFile(empty, '\n');
  const wrong: readonly (readonly [args: readonly string[], pattern: RegExp])[] = [
    [['runz'], /did you mean `runs`/],
    [['runs', 'help'], /^help: is a flag, and no command\nnext: --help shows/],
    [['runs', 'lst'], /did you mean `list`/],
    [['--json', 'runs'], /^--json: flags come after the command\nnext: --help/],
    [['run'], /^<agent>: is missing\n<task>: is missing\nnext: --help [^\n]*\n$/],
    [['run', 'reporter'], /^<task>: is missing\n/],
    [['run', 'reporter', 'task', 'more'], /^"more": is too much; .* no more than 2\n/],
    [['run', 'reporter', 'task', '--aprove', 'no'], /did you mean .*--approve/],
    [['run', 'reporter', 'task', '--approve', 'maybe'], /^--approve: "maybe": .*ask, yes, no\n/],
    [['run', 'reporter', 'task', '--budget-usd', '1e3'], /^--budget-usd: "1e3": write dollars/],
    [['run', 'reporter', 'task', '--metadata', 'novalue'], /^--metadata: .*write key=value/],
    [['run', 'reporter', 'task', '--session'], /^--session: is missing, or its value is\n/],
    [['run', 'reporter', 'task', '--session', '--json'], /^--session: its value is .* --json\n/],
    [['runs', 'list', '--page', '1', '--page', '2'], /^--page: is given twice, as "1" and "2"/],
    [['runs', 'follow', 'run_1', '--wait', 'soon'], /^--wait: "soon": write a span/],
    [['storage', 'accept-loss', 'foo'], /^<part>: "foo": the parts are audit, /],
    [['health', '--api-key-file', join(directory, 'none')], /none: cannot be read \(ENOENT\)/],
    [['health', '--tls-ca', join(directory, 'none.pem')], /none\.pem: cannot be read/],
    [['health', '--tls-ca', import.meta.filename], /main\.test\.ts: has no certificate in PEM/],
    [['health', '--address', 'http://127.0.0.1:9'], /^--address: .*: must be host:port\n/],
    [['health', '--address', ''], /^--address: "": must be host:port\n/],
    [['health', '--api-key-file', empty], /empty: has no API key in it\nnext: /],
    [['policy', 'tools', '--into', empty], /empty: is no list of tools\nnext: /],
    [['policy', 'keys', 'create', '--out', empty], /empty: cannot be made \(EEXIST\)\nnext: /],
    [['runs', 'fork', 'run_1', '--at', 'turn-1/model', '--bundle', directory], /EISDIR/],
    [['redact', '--term', ' '], /^--term: " ": write a name or term/],
    [['audit', 'verify', join(directory, 'none')], /none: cannot be read \(ENOENT\)/],
    [['audit', 'verify', directory], /: is a directory\nnext: .*audit\.jsonl/],
    [['demo', '--dir', join(directory, 'none')], /there is no such folder/],
  ];
  const ended = await Promise.all(wrong.map(async ([args]) => runHere(args)));
  for (const [index, [args, pattern]] of wrong.entries()) {
    const { code, stdout, stderr } = ended[index] ?? assert.fail();
    assert.equal(code, 2, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, pattern);
  }
});

test('a host that does not answer ends with 7 and names the address and the next command', async () => {
  // The discard port of this machine, where nothing listens.
  const { code, stderr } = await runCli(['health'], {
    ...environment,
    MODEL_HOST_ADDRESS: '127.0.0.1:9',
  });
  assert.equal(code, 7);
  assert.match(stderr, /no host answers at 127\.0\.0\.1:9.*\nnext: start a host with/s);
  assert.doesNotMatch(stderr, /Resolution note:\n/);
});

test('a key that cannot be sent ends with 4 and is not shown', async () => {
  const key = ['mh_abcd', 'secret\ntwice'].join('_');
  const { code, stderr } = await runHere(['health'], { environment: { MODEL_HOST_API_KEY: key } });
  assert.equal(code, 4);
  assert.match(
    stderr,
    /^unauthenticated: the API key has characters.*\nnext: set MODEL_HOST_API_KEY/,
  );
  assert.doesNotMatch(stderr, /secret/);
});

test('whoever follows a run is told that the host is away, and waits as long as they want', async () => {
  const away = { ...environment, MODEL_HOST_ADDRESS: '127.0.0.1:9' };
  for (const command of [
    ['follow', 'run_1'],
    ['watch', 'run_1', 'run_2'],
  ]) {
    const hasty = await runHere(['runs', ...command, '--wait', '0s'], { environment: away });
    assert.equal(hasty.code, 7);
    assert.match(hasty.stderr, /^no host answers at 127\.0\.0\.1:9: /);
    const said: string[] = [];
    let leave = (): void => assert.fail('nobody listens');
    const patient = await runHere(['runs', ...command], {
      environment: away,
      say: (text) => {
        said.push(text);
        leave();
      },
      onInterrupt: (listener) => {
        leave = listener;
        return () => {};
      },
    });
    assert.equal(patient.code, 130);
    assert.match(said[0] ?? '', /^waiting for the host at 127\.0\.0\.1:9, for 5 min at most: .+$/);
  }
});

test('a configuration that cannot be used ends with 3 and names every problem', async () => {
  const file = join(directory, 'wrong.yaml');
  await writeFile(file, 'servr: {}\nproviders: 3\n');
  for (const args of [
    ['config', 'check', '--config', file],
    ['serve', '--config', file],
  ]) {
    const { code, stdout, stderr } = await runHere(args);
    assert.equal(code, 3);
    assert.equal(stdout, '');
    assert.match(stderr, /wrong\.yaml:1:1: servr: unknown key; did you mean "server"\?/);
    assert.match(stderr, /wrong\.yaml:2:\d+: providers: must be a list/);
    assert.match(stderr, /next: `model-host config schema`/);
  }
});

test('config print shows every value and where it comes from', async () => {
  const file = fileURLToPath(new URL('../../../examples/demo/model-host.yaml', import.meta.url));
  const flags = ['--config', file, '--set', 'server.maxConnections=7'];
  const [check, print, sources] = await Promise.all([
    runHere(['config', 'check', ...flags]),
    runHere(['config', 'print', ...flags]),
    runHere(['config', 'print', '--sources', ...flags]),
  ]);
  assert.deepEqual([check.code, check.stdout, check.stderr], [0, '', `${file}: ok\n`]);
  assert.match(print.stdout, /\n {2}maxConnections: 7\n/);
  assert.match(sources.stdout, /\nserver\.maxConnections +7 +--set server\.maxConnections\n/);
  assert.match(sources.stdout, /\nserver\.port +7443 +.*model-host\.yaml:\d+\n/);
  assert.match(sources.stdout, /\nserver\.requestTimeoutMs +30000 +default\n/);
});

test('config schema prints a document for editors', async () => {
  const { code, stdout } = await runHere(['config', 'schema']);
  assert.equal(code, 0);
  const schema: unknown = JSON.parse(stdout);
  assert.partialDeepStrictEqual(schema, {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
  });
});

test('version and help go to stdout and end with 0', async () => {
  const [version, json, help, demo] = await Promise.all([
    runCli(['--version'], environment),
    runCli(['version', '--json'], environment),
    runCli(['runs', '--help'], environment),
    runCli(['demo', '--help'], environment),
  ]);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  assert.deepEqual(JSON.parse(json.stdout), {
    version: version.stdout.trim(),
    node: process.versions.node,
  });
  assert.match(help.stdout, /approve\s+Say yes/);
  assert.match(demo.stdout, /without a terminal ask reads nothing and says yes/);
  for (const { code, stderr } of [version, json, help, demo])
    assert.deepEqual([code, stderr], [0, '']);
});

test('a new key is alone on stdout, its entry for the configuration on stderr without the key', async () => {
  const args = ['keys', 'create', '--tenant', 'acme', '--subject', 'in"es', '--role', 'lead'];
  const { code, stdout, stderr } = await runHere([...args, '--role', 'owner']);
  assert.equal(code, 0);
  assert.match(stdout, /^mh_[0-9a-f]{12}_[\w-]{43}\n$/);
  assert.ok(!stderr.includes(stdout.trim()));
  assert.match(stderr, /hash: "sha256:[0-9a-f]{64}"/);
  assert.match(stderr, /subject: "in\\"es"\n {8}roles: \["lead","owner"\]/);
  const { stdout: again } = await runHere(args);
  assert.notEqual(again, stdout);
});

test('a key is made for exactly those whom a configuration takes', async () => {
  const name = fc.oneof(
    fc.stringMatching(/^[a-z][a-z0-9-]{0,4}$/),
    fc.string({ unit: fc.constantFrom('a', 'B', '3', '-', ' ', 'é') }),
    fc.nat(140).map((length) => 'x'.repeat(length)),
  );
  await fc.assert(
    fc.asyncProperty(name, name, name, async (tenant, subject, role) => {
      const asked = [`--tenant=${tenant}`, `--subject=${subject}`, `--role=${role}`, '--json'];
      const { code, stdout } = await runHere(['keys', 'create', ...asked]);
      const entry = {
        id: 'abcd',
        hash: `sha256:${'0'.repeat(64)}`,
        tenant,
        subject,
        roles: [role],
      };
      const configured = { MH__SERVER__AUTH__APIKEYS: JSON.stringify([entry]) };
      const demo = fileURLToPath(
        new URL('../../../examples/demo/model-host.yaml', import.meta.url),
      );
      const checked = await runHere(['config', 'check', '--config', demo], {
        environment: configured,
      });
      assert.equal(code, checked.code === 0 ? 0 : 2, checked.stderr);
      if (code === 0) assert.partialDeepStrictEqual(JSON.parse(stdout), { entry: { tenant } });
    }),
    { numRuns: 60 },
  );
});

test('an intact audit file ends with 0; one with a flipped bit with 1 and the line', async () => {
  const path = join(directory, 'audit.jsonl');
  const audit = await openAuditFile({ path, now: () => 1_700_000_000_000 });
  for (const step of ['one', 'two', 'three']) {
    await audit.append({ kind: 'outcome', tenant: 't', runId: 'r', step, actor: 'a', facts: {} });
  }
  await audit.close();
  const intact = await runHere(['audit', 'verify', path]);
  assert.deepEqual([intact.code, intact.stderr], [0, '']);
  assert.match(intact.stdout, /audit\.jsonl: intact, 3 records, head [0-9a-f]{64}\n$/);

  const bytes = await readFile(path);
  const at = bytes.indexOf('two');
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
  const broken = await runHere(['audit', 'verify', path]);
  assert.deepEqual([broken.code, broken.stdout], [1, '']);
  assert.match(broken.stderr, /audit\.jsonl:2: wrong-hash; the 1 record before it is intact/);
  const json = await runHere(['audit', 'verify', '--json', path]);
  assert.equal(json.code, 1);
  const verification: unknown = JSON.parse(json.stdout);
  assert.deepEqual(verification, { ok: false, problem: 'wrong-hash', line: 2, records: 1 });
});
