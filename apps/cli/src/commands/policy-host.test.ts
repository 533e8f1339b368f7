import assert from 'node:assert/strict';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createApiKey, readHostConfig, startHost } from '@modelhost/host';
import type { RunningHost } from '@modelhost/host';
import {
  encodeBundle,
  readSigningKey,
  readUnverifiedBundle,
  signBundle,
} from '@modelhost/policy-bundle';
import type { CliContext } from '../context.ts';
import { runHere } from '../testing.ts';
import type { Ended } from '../testing.ts';
import { readVersion } from '../version.ts';

const state: {
  directory: string;
  host?: RunningHost;
  keys: Readonly<Record<string, string>>;
} = { directory: '', keys: {} };

const at = (name: string): string => join(state.directory, name);

/** As Olga of the security, at the time that it is: the host has the real clock. */
async function policy(...args: readonly string[]): Promise<Ended> {
  return as('olga', args);
}

async function as(user: string, args: readonly string[], ask?: CliContext['ask']): Promise<Ended> {
  const environment = {
    MODEL_HOST_ADDRESS: state.host?.grpcAddress,
    MODEL_HOST_API_KEY: state.keys[user],
  };
  return runHere(['policy', ...args], { environment, now: Date.now, ask });
}

async function succeed(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await policy(...args);
  assert.equal(code, 0, `${args.join(' ')}\n${stderr}`);
  return stdout;
}

/** Builds and signs a revision in which inputs of so many bytes are permitted. */
async function sign(revision: number, bytesMax: number, ...flags: readonly string[]) {
  const project = at('base');
  await mkdir(join(project, 'tests'), { recursive: true });
  await writeFile(join(project, 'bundle.yaml'), 'name: base\n');
  await writeFile(
    join(project, 'authorize.cedar'),
    [
      `@id("small") permit (principal, action == ModelHost::Action::"AcceptInput", resource) when { context.inputBytes <= ${bytesMax} };`,
      '@id("rest") permit (principal, action in [ModelHost::Action::"UseModel", ModelHost::Action::"EmitOutput"], resource);',
      '',
    ].join('\n'),
  );
  await writeFile(
    join(project, 'tests/all.yaml'),
    [
      `- { name: small, given: { action: AcceptInput, bytes: ${bytesMax} }, expect: { effect: allow } }`,
      '- { name: model, given: { model: m }, expect: { effect: allow } }',
      '',
    ].join('\n'),
  );
  const [built, file] = [at(`base-${revision}.unsigned.json`), at(`base-${revision}.mhpb.json`)];
  await succeed('build', project, '--revision', String(revision), '--out', built, ...flags);
  await succeed('sign', built, '--key', at('olga.key.pem'));
  return file;
}

before(async () => {
  state.directory = await mkdtemp(join(tmpdir(), 'model-host-officer-'));
  await succeed('keys', 'create', '--out', state.directory, '--name', 'olga');
  const trust = ['--key', at('olga.pub.pem'), '--sign', at('olga.key.pem')];
  await succeed('keys', 'trust', ...trust, '--out', at('trust-root.json'));
  await cp(await sign(1, 100), at('in-force.mhpb.json'));
  const people = [['olga', 'security', 'platform-admin'], ['adam', 'auditor'], ['ines']] as const;
  const made = people.map(([subject, ...roles]) => {
    const { id, key, hash } = createApiKey();
    return { key, entry: { id, hash, tenant: 'acme', subject, roles } };
  });
  state.keys = Object.fromEntries(made.map(({ key, entry }) => [entry.subject, key]));
  const script = [{ when: {}, text: 'the answer' }];
  await writeFile(at('script.yaml'), JSON.stringify(script));
  await writeFile(
    at('model-host.yaml'),
    JSON.stringify({
      server: {
        port: 0,
        healthPort: 0,
        dataDirectory: 'data',
        auth: { apiKeys: made.map(({ entry }) => entry) },
      },
      providers: [
        {
          name: 'script',
          type: 'scripted',
          scriptFile: 'script.yaml',
          models: [{ id: 'm', model: 's' }],
        },
      ],
      agents: [{ id: 'player', model: 'm' }],
      policies: { bundles: [{ file: 'in-force.mhpb.json' }], trustRoot: 'trust-root.json' },
    }),
  );
  const config = readHostConfig({ file: at('model-host.yaml'), environment: {}, flags: [] });
  // A bundle asks for a host at least as new as the command that builds it.
  const version = readVersion();
  state.host = await startHost({ config, environment: {}, version, log: 'silent' });
  const run = ['run', 'player', 'x'.repeat(50)];
  const environment = {
    MODEL_HOST_ADDRESS: state.host.grpcAddress,
    MODEL_HOST_API_KEY: state.keys['ines'],
  };
  assert.equal((await runHere(run, { environment })).code, 0);
});

after(async () => {
  await state.host?.drain();
  await rm(state.directory, { recursive: true });
});

test('what is in force is shown to who may look, and to nobody else', async () => {
  const status = await as('adam', ['status']);
  assert.equal(status.code, 0, status.stderr);
  assert.match(status.stdout, /^policy up\ndigest [0-9a-f]{64}\n/);
  assert.match(
    status.stdout,
    /\nbase@1 {2,}platform {2}enforce {2}valid until \S+Z {2}[0-9a-f]{12} {2}\S/,
  );
  const json = await as('adam', ['status', '--json']);
  assert.partialDeepStrictEqual(JSON.parse(json.stdout) as unknown, {
    bundles: [{ name: 'base', revision: '1', mode: 'POLICY_MODE_ENFORCE' }],
    status: 'HEALTH_STATUS_UP',
  });
  const stranger = await as('ines', ['status']);
  assert.deepEqual([stranger.code, stranger.stdout], [4, '']);
  assert.match(stranger.stderr, /permission_denied/);
});

test('a decision of the log is found by what it was about, and explained by its id', async () => {
  const all = await succeed('decisions', 'list');
  assert.match(all, /^DECISION +TIME +EFFECT +WHAT +BY +RULES\n/);
  const filters = [
    '--action',
    'AcceptInput',
    '--effect',
    'allow',
    '--rule',
    'small',
    '--since',
    '1h',
  ];
  const found = await succeed('decisions', 'list', ...filters);
  const [, id = ''] =
    /\n([0-9a-f]{24}) +\S+Z +allow +AcceptInput player +ines\b.*small\n$/.exec(found) ?? [];
  assert.notEqual(id, '', found);
  const explained = await succeed('explain', '--decision', id);
  assert.match(explained, /^allow {2}AcceptInput player\n {2}small: /);
  assert.match(
    explained,
    /\n {2}permit {2}small {2}authorize\.cedar:1:1\n {10}reads context\.inputBytes\n/,
  );
  const stricter = await sign(90, 10);
  const otherwise = await succeed('explain', '--decision', id, '--bundle', stricter);
  assert.match(otherwise, /^deny {3}AcceptInput player\n {2}default-deny: /);
  const facts = at('facts.yaml');
  await writeFile(facts, 'bytes: 500\n');
  const input = ['--action', 'AcceptInput', '--resource', 'player'];
  assert.match(await succeed('explain', ...input), /^allow {2}AcceptInput player\n/);
  const large = await succeed('explain', ...input, '--given', facts, '--subject', 'bob');
  assert.match(large, /^deny {3}AcceptInput player\n/);
  for (const unknown of ['f'.repeat(24), 'nope']) {
    const none = await policy('explain', '--decision', unknown);
    assert.equal(none.code, 5);
    assert.match(none.stderr, /\nnext: `model-host policy decisions list` shows /);
    assert.doesNotMatch(none.stderr, /runs list/);
  }
  const page = await policy('decisions', 'list', '--limit', '1');
  const [, token = ''] = /list --limit 1 --page (\S+)`/.exec(page.stderr) ?? [];
  const next = await succeed('decisions', 'list', '--limit', '1', '--page', token);
  assert.notEqual(next, page.stdout);
  const empty = await policy('decisions', 'list', '--effect', 'deny', '--since', '2000-01-01');
  assert.deepEqual([empty.stdout, empty.stderr], ['', 'no decisions\n']);
});

test('a candidate is rehearsed, put into the shadow, promoted and rolled back', async () => {
  const shadow = await sign(2, 10, '--mode', 'shadow');
  const replay = await succeed('replay', '--bundle', shadow, '--since', '7d');
  assert.match(
    replay,
    /^\d+ decisions of your tenant decided again, \S+Z to \S+Z\n\d+ as before, 1 otherwise, 0 cannot/,
  );
  assert.match(replay, /\nallow-to-deny +1 +AcceptInput player +default-deny +[0-9a-f]{24}\n/);
  const json = await succeed('replay', '--bundle', shadow, '--json');
  assert.partialDeepStrictEqual(JSON.parse(json) as unknown, { changed: '1', complete: true });
  assert.match(await succeed('activate', shadow), /^base@2 is in the shadow; 2 tests passed\n/);
  assert.match(await succeed('activate', shadow), /^base@2 is in the shadow already\n/);
  assert.match(await succeed('status'), /base@2 in the shadow: 0 decided, 0 otherwise/);
  assert.match(
    await succeed('activate', await sign(3, 10)),
    /^base@3 is in force; 2 tests passed\n/,
  );
  assert.match(await succeed('status'), /\nbase@3 +platform +enforce .* olga\n/);
  const back = await policy('activate', at('base-1.mhpb.json'));
  assert.deepEqual([back.code, back.stdout], [1, '']);
  assert.match(back.stderr, /base-1\.mhpb\.json: revision-rollback: refused at the step verify: /);
  const again = await policy('activate', await sign(4, 100), '--json');
  assert.partialDeepStrictEqual(JSON.parse(again.stdout) as unknown, {
    bundle: { revision: '4' },
    testsPassed: 2,
  });
});

test('a bundle that nobody trusts changes nothing, and who may look may not activate', async () => {
  const file = await sign(50, 100);
  const powerless = await as('adam', ['activate', file]);
  assert.equal(powerless.code, 4);
  await succeed('keys', 'create', '--out', state.directory, '--name', 'eve');
  const strange = at('strange.mhpb.json');
  const built = at('base-50.unsigned.json');
  await succeed('sign', built, '--key', at('eve.key.pem'), '--out', strange);
  const refused = await policy('activate', strange);
  assert.equal(refused.code, 1);
  assert.match(
    refused.stderr,
    /unknown-key: refused at the step verify: [^]*\nnext: what was in force/,
  );
  assert.match(await succeed('status'), /\nbase@4 /);
  assert.equal((await policy('replay', '--bundle', strange)).code, 2);
});

test('a bundle whose tests fail is refused with what failed, where nobody built it with this command', async () => {
  const reading = readUnverifiedBundle(await readFile(await sign(60, 100)));
  assert.ok(reading.type === 'unverified');
  const { bundle } = reading;
  const broken = bundle.files.map((file) =>
    file.path === 'tests/all.yaml'
      ? { ...file, content: file.content.replace('effect: allow', 'effect: deny') }
      : file,
  );
  const signer = readSigningKey(await readFile(at('olga.key.pem'), 'utf8'));
  const failing = at('failing.mhpb.json');
  await writeFile(failing, signBundle(encodeBundle(bundle.manifest, broken), [signer]));
  const { code, stderr } = await policy('activate', failing);
  assert.equal(code, 1);
  assert.match(stderr, /tests-failed: refused at the step test: /);
  assert.match(stderr, /✖ small {2}\(tests\/all\.yaml:1\)\n {6}effect: expected deny/);
});

test('the tools of the host are put into a project, and what else stands there stays', async () => {
  const file = at('tools.json');
  await writeFile(file, '[{"name":"own__tool"}]');
  const { code, stderr } = await policy('tools', '--into', file);
  assert.deepEqual([code, stderr], [0, `${file}: 0 tools of the host, 1 others kept\n`]);
  assert.match(await readFile(file, 'utf8'), /"own__tool"/);
  await writeFile(file, '{}');
  assert.match((await policy('tools', '--into', file)).stderr, /is no list of tools/);
  assert.equal(await succeed('tools'), '[]\n');
});

test('nothing is erased without a clear yes, and then all that is about the person is', async () => {
  const erase = ['decisions', 'erase', '--subject', 'ines'];
  const unasked = await policy(...erase);
  assert.equal(unasked.code, 2);
  assert.match(unasked.stderr, /nobody can be asked here/);
  const no = await as('olga', erase, async () => 'maybe');
  assert.deepEqual([no.code, no.stderr], [1, 'nothing is erased\n']);
  assert.equal((await as('adam', [...erase, '--yes'])).code, 4);
  const yes = await as('olga', erase, async (question) => {
    assert.match(question, /^Erase every decision about ines for good\? \[y\/N\] $/);
    return 'y';
  });
  assert.equal(yes.code, 0);
  assert.match(yes.stderr, /^\d+ decisions about ines erased\n$/);
  assert.doesNotMatch((await policy('decisions', 'list')).stdout, /ines/);
});

test('what cannot be asked ends with 2', async () => {
  const cases = [
    [['decisions', 'list', '--since', 'yesterday'], /write a span such as 90m, 12h or 7d/],
    [['decisions', 'list', '--limit', '0'], /whole number of at least 1/],
    [['explain', '--tool', 'none'], /names no tool/],
    [['replay', '--bundle', at('model-host.yaml')], /validation_failed/],
  ] as const;
  for (const [args, pattern] of cases) {
    const { code, stderr } = await policy(...args);
    assert.equal(code, 2, `${args.join(' ')}\n${stderr}`);
    assert.match(stderr, pattern);
  }
});
