import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runHere } from '../testing.ts';
import type { Ended } from '../testing.ts';

let directory = '';
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'model-host-policy-'));
});
after(async () => rm(directory, { recursive: true }));

const policy = async (...args: readonly string[]): Promise<Ended> => runHere(['policy', ...args]);

async function begin(name: string): Promise<string> {
  const project = join(directory, name);
  assert.equal((await policy('init', project)).code, 0);
  return project;
}

test('a new project passes its checks and tests, and nothing that is there is replaced', async () => {
  const project = await begin('Fresh 1');
  const settings = await readFile(join(project, 'bundle.yaml'), 'utf8');
  assert.match(settings, /^name: fresh-1$/m);
  const lint = await policy('lint', project);
  assert.deepEqual([lint.code, lint.stdout, lint.stderr], [0, '', `${project}: ok\n`]);
  const tested = await policy('test', project);
  assert.equal(tested.code, 0);
  assert.match(tested.stdout, /all passed; (\d+) of \1 rules hit\n$/);
  const again = await policy('init', project);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /is not empty\nnext: name a new directory/);
});

test('every problem is told with its place and the remedy, and ends with 1', async () => {
  const project = await begin('wrong');
  await writeFile(
    join(project, 'bundle.yaml'),
    'name: Base\nscop: platform\nvalidityDays: 0\nrequires: { hots: 1.0.0 }\ncanary: all\n',
  );
  await writeFile(
    join(project, 'authorize/99.cedar'),
    'permit (principal, action, resource);\n\n@id("x") @remedi("approval")\nforbid (principal, action, resource);\n',
  );
  await writeFile(join(project, 'tests/99.yaml'), '- name: x\n  given: { tol: a }\n  expect: {}\n');
  const { code, stdout, stderr } = await policy('lint', project);
  assert.equal(code, 1);
  for (const pattern of [
    /^bundle\.yaml:2:1: error: scop: unknown key; did you mean "scope"\?$/m,
    /^bundle\.yaml:4:\d+: error: requires\.hots: unknown key; did you mean "host"\?$/m,
    /^bundle\.yaml:3:1: error: validityDays: must be a whole number from 1 to 3650; correct it$/m,
    /^bundle\.yaml:5:1: error: canary: must be a list of tenants; correct it$/m,
    /^tests\/99\.yaml:2:\d+: error: test "x": given\.tol: unknown key; /m,
    /^authorize\/99\.cedar:1:1: error: the rule has no @id; /m,
    /^authorize\/99\.cedar:3:\d+: error: .*remedi/m,
  ]) {
    assert.match(stdout, pattern);
  }
  assert.match(stderr, /^\d+ errors, 0 warnings$/m);
  const json = await policy('lint', project, '--json');
  // Our own output.
  const { problems } = JSON.parse(json.stdout) as { problems: readonly { file: string }[] };
  assert.ok(problems.some(({ file }) => file === 'tests/99.yaml'));
  for (const command of ['test', 'build']) {
    const flags = command === 'build' ? ['--revision', '1'] : [];
    const refused = await policy(command, project, ...flags);
    assert.equal(refused.code, 1);
    assert.match(refused.stdout, /bundle\.yaml:2:1/);
  }
});

test('what a manifest may not say is told at its place in the settings', async () => {
  const project = await begin('settings');
  const cases = [
    ['name: Base\n', /^bundle\.yaml:1:1: error: name: must be 1 to 64 of a-z/m],
    ['name: base\nscope: { tennant: a }\n', /^bundle\.yaml:2:1: error: scope: must be/m],
    ['name: base\nrequires: { host: "1" }\n', /^bundle\.yaml:2:1: error: requires\.host: /m],
    ['name: base\nmode: off\n', /^bundle\.yaml:2:1: error: mode: must be "enforce" or "shadow"/m],
    ['name: [\n', /^bundle\.yaml:2:1: error: is no YAML: /m],
    ['a: &a [1]\nname: [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n', /too many aliases/],
    ['- base\n', /^bundle\.yaml:1:1: error: must be a map; /m],
  ] as const;
  for (const [text, pattern] of cases) {
    await writeFile(join(project, 'bundle.yaml'), text);
    const { code, stdout } = await policy('lint', project);
    assert.equal(code, 1, text);
    assert.match(stdout, pattern);
  }
});

test('a test that fails, and a rule that none hits, end with 1 and are named', async () => {
  const project = await begin('untested');
  await writeFile(
    join(project, 'authorize/90.cedar'),
    '@id("new.rule") @message("never")\nforbid (principal, action == ModelHost::Action::"UseModel", resource)\nwhen { context.maxOutputTokens > 100000 };\n',
  );
  await writeFile(
    join(project, 'tests/90.yaml'),
    '- name: wrong\n  given: { model: small }\n  expect: { effect: deny }\n',
  );
  const { code, stdout } = await policy('test', project);
  assert.equal(code, 1);
  assert.match(stdout, / {2}✖ wrong {2}\(tests\/90\.yaml:1\)\n {6}effect: expected deny/);
  assert.match(
    stdout,
    /No test ever hits these rules[^\n]*\n {2}new\.rule {2}authorize\/90\.cedar:1:1\n/,
  );
  const json = await policy('test', project, '--json');
  assert.equal(json.code, 1);
  assert.partialDeepStrictEqual(JSON.parse(json.stdout) as unknown, {
    isPassed: false,
    neverHit: [{ id: 'new.rule' }],
  });
  const built = await policy('build', project, '--revision', '1', '--out', join(directory, 'no'));
  assert.equal(built.code, 1);
  assert.match(built.stderr, /the tests do not pass/);
  assert.ok(!(await readdir(directory)).includes('no'));
});

test('the same project at the same time gives the same bytes, and nothing else gets into them', async () => {
  const project = await begin('same');
  await writeFile(join(project, 'ann.key.pem'), 'of ann alone');
  const files = ['one', 'two'].map((name) => join(directory, `${name}.unsigned.json`));
  for (const out of files) {
    const built = await policy(
      'build',
      project,
      '--revision',
      '7',
      '--mode',
      'shadow',
      '--out',
      out,
    );
    assert.equal(built.code, 0);
    assert.match(built.stdout, /same revision 7, shadow, \d+ files, \d+ rules, \d+ tests passed\n/);
    assert.match(built.stdout, /^valid {3}2026-12-01T00:00:00Z to 2027-03-01T00:00:00Z$/m);
    assert.match(built.stderr, /^no part of the bundle: .*\bann\.key\.pem$/m);
  }
  const [one = '', two] = await Promise.all(files.map(async (file) => readFile(file, 'utf8')));
  assert.equal(one, two);
  assert.ok(!/of ann alone|key\.pem|bundle\.yaml/.test(one));
});

test('a link is refused, since the rule that it names would be left out', async () => {
  const project = await begin('linked');
  const rule = join(directory, 'elsewhere.cedar');
  await writeFile(rule, '@id("stop") forbid (principal, action, resource);\n');
  await symlink(rule, join(project, 'authorize/00.cedar'));
  const { code, stdout } = await policy('lint', project);
  assert.equal(code, 1);
  assert.equal(
    stdout,
    'authorize/00.cedar: error: is a link, and links are not followed; copy the file here\n',
  );
});

test('a directory of rules alone can be checked and tested, and not built', async () => {
  const plain = join(directory, 'plain');
  const project = await begin('whole');
  await rm(join(project, 'bundle.yaml'));
  const lint = await policy('lint', project);
  assert.equal(lint.code, 0);
  assert.match(lint.stderr, /no bundle\.yaml: checked as a plain directory of rules/);
  assert.equal((await policy('test', project)).code, 0);
  const built = await policy('build', project, '--revision', '1');
  assert.equal(built.code, 2);
  assert.match(built.stderr, /there is no bundle\.yaml/);
  const none = await policy('lint', plain);
  assert.equal(none.code, 2);
  assert.match(none.stderr, /there is no such directory\nnext: `model-host policy init DIRECTORY`/);
});

test('a project explains what its rules decide, and why, without a host', async () => {
  const project = await begin('explained');
  const named = 'what cannot be undone is held for a value of a third party';
  const held = await policy('explain', '--project', project, '--test', named);
  assert.equal(held.code, 0);
  assert.match(held.stdout, /^hold {3}CallTool desk__send\n {2}default\.untrusted-final: /);
  assert.match(
    held.stdout,
    /\napplies\n {2}forbid {2}default\.untrusted-final {2}authorize\/\S+:\d+:1\n/,
  );
  assert.match(
    held.stdout,
    /\nwhat would change it\n(?: .*\n)* {2}allow {2}approved by a person\n/,
  );

  const facts = join(directory, 'facts.yaml');
  await writeFile(facts, 'labels: { integrity: untrusted }\nevidence: { to: untrusted }\n');
  const call = ['--tool', 'desk__send', '--arguments', '{"to":"a@b.example","body":"x"}'];
  const asked = await policy('explain', '--project', project, ...call, '--given', facts, '--json');
  assert.partialDeepStrictEqual(JSON.parse(asked.stdout) as unknown, {
    decision: { effect: 'DECISION_EFFECT_HOLD', resource: 'desk__send' },
  });
  await writeFile(join(project, 'bundle.yaml'), 'name: base\nscope: { tenant: globex }\n');
  const clean = await policy('explain', '--project', project, ...call, '--agent', 'reporter');
  assert.match(clean.stdout, /^allow {2}CallTool desk__send\n/);
});

test('a question that cannot be asked ends with 2 and says how to ask it', async () => {
  const project = await begin('asked');
  const facts = join(directory, 'twice.yaml');
  await writeFile(facts, 'agent: reporter\n');
  const cases = [
    [['--project', project], /ask about one of --tool, --model and --action/],
    [['--project', project, '--tool', 'a', '--model', 'b'], /ask about one of/],
    [['--project', project, '--tool', 'nothing'], /^tool: there is no tool nothing in tools\.json/],
    [['--project', project, '--tool', 'desk__send', '--arguments', '[]'], /must be a JSON object/],
    [['--project', project, '--model', 'm', '--given', facts], /agent has a flag of its own/],
    [['--project', project, '--decision', 'd'], /--project asks no host/],
    [['--test', 'x'], /--test names a test of a --project/],
  ] as const;
  for (const [args, pattern] of cases) {
    const { code, stdout, stderr } = await policy('explain', ...args);
    assert.deepEqual([code, stdout], [2, ''], args.join(' '));
    assert.match(stderr, pattern);
  }
  const unknown = await policy('explain', '--project', project, '--test', 'no such');
  assert.equal(unknown.code, 5);
});
