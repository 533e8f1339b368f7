import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { runHere } from '../testing.ts';
import type { Ended } from '../testing.ts';

const files = { directory: '', project: '', unsigned: '', root: '' };
const nowMs = Date.parse('2026-12-01T00:00:00Z');

const at = (name: string): string => join(files.directory, name);
const policy = async (...args: readonly string[]): Promise<Ended> => runHere(['policy', ...args]);

async function succeed(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await policy(...args);
  assert.equal(code, 0, `${args.join(' ')}\n${stderr}`);
  return stdout;
}

before(async () => {
  files.directory = await mkdtemp(join(tmpdir(), 'model-host-bundles-'));
  files.project = at('base');
  files.unsigned = at('base-3.unsigned.json');
  files.root = at('trust-root.json');
  await succeed('init', files.project);
  await succeed('build', files.project, '--revision', '3', '--out', files.unsigned);
  for (const [name, type] of [
    ['ann', 'ed25519'],
    ['bob', 'p256'],
    ['eve', 'ed25519'],
  ] as const) {
    await succeed('keys', 'create', '--out', files.directory, '--name', name, '--type', type);
  }
  const trust = ['keys', 'trust', '--threshold', '2', '--threshold', 'tenant=1'];
  const keys = ['--key', at('ann.pub.pem'), '--key', at('bob.pub.pem')];
  const sign = ['--sign', at('ann.key.pem'), '--sign', at('bob.key.pem')];
  await succeed(...trust, ...keys, ...sign, '--out', files.root);
});
after(async () => rm(files.directory, { recursive: true }));

const verify = async (file: string, ...more: readonly string[]): Promise<Ended> =>
  policy('verify', file, '--trust-root', files.root, ...more);

test('a bundle is good once enough keys have signed it, and says who they are', async () => {
  const signed = at('base-3.mhpb.json');
  await succeed('sign', files.unsigned, '--key', at('ann.key.pem'));
  const early = await verify(signed);
  assert.equal(early.code, 1);
  assert.match(early.stderr, /base-3\.mhpb\.json: refused, threshold: signatures: 1 of the 2 /);
  assert.match(
    await succeed('sign', signed, '--key', at('bob.key.pem')),
    /signed by [0-9a-f]{64}\n/,
  );
  const good = await verify(signed, '--revision-at-least', '3');
  assert.equal(good.code, 0, good.stderr);
  const keyIds = await Promise.all(
    ['ann', 'bob'].map(async (name) =>
      (await succeed('keys', 'show', at(`${name}.pub.pem`))).trim(),
    ),
  );
  assert.match(good.stdout, /^good {4}base revision 3, enforce, for the platform\n/);
  for (const keyId of keyIds) assert.ok(good.stdout.includes(`signed  ${keyId}\n`));
  const older = await verify(signed, '--revision-at-least', '4', '--json');
  assert.equal(older.code, 1);
  assert.partialDeepStrictEqual(JSON.parse(older.stdout) as unknown, {
    type: 'refused',
    code: 'revision-rollback',
  });
});

test('a stranger, a changed byte and another time are refused with the reason', async () => {
  const signed = at('strange.mhpb.json');
  const sign = ['sign', files.unsigned, '--out', signed];
  await succeed(...sign, '--key', at('eve.key.pem'));
  assert.match((await verify(signed)).stderr, /refused, unknown-key: /);
  await succeed(...sign, '--key', at('ann.key.pem'), '--key', at('bob.key.pem'));
  const text = await readFile(signed, 'utf8');
  await writeFile(
    signed,
    text.replace(
      /"payload": "(.)/,
      (_all, letter: string) => `"payload": "${letter === 'e' ? 'f' : 'e'}`,
    ),
  );
  assert.match((await verify(signed)).stderr, /refused, bad-signature: /);
  await writeFile(signed, text);
  const late = await runHere(['policy', 'verify', signed, '--trust-root', files.root], {
    now: () => nowMs + 120 * 86_400_000,
  });
  assert.equal(late.code, 1);
  assert.match(late.stderr, /refused, expired: /);
});

test('only what can be signed is signed, and what is missing is named', async () => {
  const other = at('other.json');
  await writeFile(other, '{}');
  const cases = [
    [['sign', other, '--key', at('ann.key.pem')], 2, /is neither a bundle nor a trust root/],
    [['sign', files.unsigned, '--key', at('ann.pub.pem')], 2, /ann\.pub\.pem: signing key: /],
    [['keys', 'trust', '--key', other, '--sign', other], 2, /other\.json: public key: is not /],
    [['keys', 'trust', '--sign', other, '--threshold', 'all=2'], 2, /"all=2": write a number such/],
    [['sign', files.unsigned, '--key', at('none.pem')], 2, /none\.pem: cannot be read \(ENOENT\)/],
    [['sign', files.unsigned], 2, /--key: is missing/],
    [['verify', files.unsigned, '--trust-root', other], 1, /other\.json: trust root: /],
    [['keys', 'show', at('base-3.unsigned.json')], 2, /is a bundle/],
  ] as const;
  for (const [args, code, pattern] of cases) {
    const ended = await policy(...args);
    assert.equal(ended.code, code, `${args.join(' ')}\n${ended.stderr}`);
    assert.match(ended.stderr, pattern);
  }
});

test('a private key is for its owner alone, is never replaced, and may have a passphrase', async () => {
  const mode = (await stat(at('ann.key.pem'))).mode & 0o777;
  assert.equal(mode, 0o600);
  const kept = await readFile(at('ann.key.pem'), 'utf8');
  const again = await policy('keys', 'create', '--out', files.directory, '--name', 'ann');
  assert.equal(again.code, 1);
  assert.match(again.stderr, /ann\.key\.pem: is there already/);
  assert.equal(await readFile(at('ann.key.pem'), 'utf8'), kept);

  // Nor is it left beside a public key that is another one's.
  await writeFile(at('half.pub.pem'), 'of another key');
  const half = await policy('keys', 'create', '--out', files.directory, '--name', 'half');
  assert.equal(half.code, 1);
  assert.match(half.stderr, /half\.pub\.pem: is there already/);
  await assert.rejects(stat(at('half.key.pem')), { code: 'ENOENT' });

  const passphrase = at('passphrase');
  await writeFile(passphrase, 'correct horse\n');
  const open = ['--passphrase-file', passphrase];
  await succeed('keys', 'create', '--out', files.directory, '--name', 'locked', ...open);
  assert.match(await readFile(at('locked.key.pem'), 'utf8'), /ENCRYPTED PRIVATE KEY/);
  const sign = ['sign', files.unsigned, '--out', at('locked.json'), '--key', at('locked.key.pem')];
  await succeed(...sign, ...open);
  for (const args of [sign, ['keys', 'show', at('locked.key.pem')]]) {
    const closed = await policy(...args);
    assert.equal(closed.code, 2);
    assert.match(closed.stderr, /locked\.key\.pem: .* is encrypted; give its passphrase/);
  }
  assert.equal(
    await succeed('keys', 'show', at('locked.key.pem'), ...open),
    await succeed('keys', 'show', at('locked.pub.pem')),
  );
});

test('a trust root is followed by the next one, and a revoked key never counts again', async () => {
  const next = at('trust-root-2.json');
  const args = ['keys', 'trust', '--previous', files.root, '--out', next];
  const change = ['--key', `${at('eve.pub.pem')}=root,platform`, '--revoke', at('bob.pub.pem')];
  const half = await policy(
    ...args,
    ...change,
    '--sign',
    at('ann.key.pem'),
    '--sign',
    at('eve.key.pem'),
  );
  assert.equal(half.code, 0);
  assert.match(half.stderr, /not enough signatures yet: .*root version 1 needs/);
  await succeed('sign', next, '--key', at('bob.key.pem'));
  const shown = await succeed('keys', 'show', next);
  assert.match(shown, /^trust root version 2, until 2027-12-01T00:00:00Z\n/);
  assert.match(shown, /\nneeded {2}2 for a root, 2 for the platform, 1 for a tenant\n/);
  assert.match(shown, /\nrevoked [0-9a-f]{64}\n$/);
  const signed = at('rotated.mhpb.json');
  const keys = ['--key', at('ann.key.pem'), '--key', at('bob.key.pem')];
  await succeed('sign', files.unsigned, '--out', signed, ...keys);
  const refused = await policy('verify', signed, '--trust-root', next);
  assert.equal(refused.code, 1);
  await succeed('sign', signed, '--key', at('eve.key.pem'));
  await succeed('verify', signed, '--trust-root', next);
  const kept = await readFile(files.root, 'utf8');
  const again = ['keys', 'trust', '--key', at('eve.pub.pem'), '--sign', at('eve.key.pem')];
  for (const own of [again, [...again, '--previous', files.root]]) {
    const replaced = await policy(...own, '--out', files.root);
    assert.equal(replaced.code, 1);
    assert.match(replaced.stderr, /is there already|would be replaced by a root that needs more/);
  }
  assert.equal(await readFile(files.root, 'utf8'), kept);
  const unknown = await policy(...args, '--revoke', 'f'.repeat(64), '--sign', at('ann.key.pem'));
  assert.match(unknown.stderr, /there is no key f+ to revoke/);
});

test('a bundle is written for the tools of Sigstore, once for each signature', async () => {
  const signed = at('exported.mhpb.json');
  const keys = ['--key', at('ann.key.pem'), '--key', at('bob.key.pem')];
  await succeed('sign', files.unsigned, '--out', signed, ...keys);
  const out = at('for/sigstore');
  await succeed('export', signed, '--out', out);
  const names = await readdir(out);
  assert.equal(names.length, 2);
  assert.ok(names.every((name) => /^exported\.[0-9a-f]{12}\.sigstore\.json$/.test(name)));
});

test('what differs is told by the manifest, the rules and the lines', async () => {
  const signed = at('before.mhpb.json');
  await succeed('sign', files.unsigned, '--out', signed, '--key', at('ann.key.pem'));
  const same = await policy('diff', signed, files.project);
  assert.deepEqual([same.code, same.stdout, same.stderr], [0, '', 'no difference\n']);
  const file = join(files.project, 'authorize/90-new.cedar');
  const settings = join(files.project, 'bundle.yaml');
  const [rules, yaml] = [
    join(files.project, 'authorize/10-use.cedar'),
    await readFile(settings, 'utf8'),
  ];
  const text = await readFile(rules, 'utf8');
  await writeFile(file, '@id("new.rule") permit (principal, action, resource);\n');
  await writeFile(rules, text.replace('everybody may use', 'anybody may use'));
  await writeFile(settings, `${yaml}\nrequires: { host: 0.0.1 }\n`);
  const { code, stdout } = await policy('diff', signed, files.project);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^requires: \{"cedar":"[\d.]+","host":"[\d.]+"\} -> \{[^}]*"host":"0\.0\.1"\}\n/,
  );
  assert.match(stdout, /^rule changed default\.use-model$/m);
  assert.match(stdout, /^rule added new\.rule$/m);
  assert.match(stdout, /^added authorize\/90-new\.cedar$/m);
  assert.match(stdout, /^-@message\("everybody may use/m);
  assert.doesNotMatch(stdout, /revision|notBefore/);
  const json = await policy('diff', signed, files.project, '--json');
  assert.partialDeepStrictEqual(JSON.parse(json.stdout) as unknown, {
    rules: { added: ['new.rule'], removed: [], changed: ['default.use-model'] },
  });
  const unsigned = await policy('diff', files.unsigned, files.project);
  assert.equal(unsigned.code, 2);
});
