import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { ada, ben } from './fixtures/signed-bundles.ts';
import { payload } from './fixtures/refusal-case.ts';
import type { Signer } from './keys.ts';
import { readUnverifiedBundle } from './read-unverified-bundle.ts';
import { signBundle } from './sign-bundle.ts';

const run = promisify(execFile);
const envelope = signBundle(payload, [ada, ben]);
const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
const [takeApart = '', ed25519 = '', p256 = '', digest = ''] = [
  ...readme.matchAll(/^```sh\n([^]+?)^```$/gm),
].map(([, commands]) => commands ?? '');

const isThere = await run('openssl', ['version']).then(
  ({ stdout }) => stdout.startsWith('OpenSSL 3'),
  () => false,
);
const skip = !isThere && 'openssl 3 is not installed';

/** What the commands print in a directory with these two files; rejects when one of the last ones fails. */
async function runCommands(commands: string, text: string, signer: Signer): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'policy-bundle-'));
  try {
    await writeFile(join(directory, 'bundle.mhpb.json'), text);
    await writeFile(join(directory, 'signer.pub.pem'), signer.publicKeyPem);
    const options = { cwd: directory, timeout: 30_000 };
    const { stdout } = await run('sh', ['-e', '-c', takeApart + commands], options);
    return stdout;
  } finally {
    await rm(directory, { recursive: true });
  }
}

const kinds = [
  { kind: 'Ed25519', signer: ada, command: ed25519, says: /^Signature Verified Successfully$/m },
  { kind: 'P-256', signer: ben, command: p256, says: /^Verified OK$/m },
];

for (const { kind, signer, command, says } of kinds) {
  test(`openssl verifies an ${kind} signature by the commands of the page`, { skip }, async () => {
    assert.match(await runCommands(command, envelope, signer), says);
  });

  test(`and finds other content under an ${kind} signature`, { skip }, async () => {
    const changed = payload.toString().replace('"revision":7', '"revision":8');
    const forged = envelope.replace(
      payload.toString('base64'),
      Buffer.from(changed).toString('base64'),
    );
    assert.notEqual(forged, envelope);
    await assert.rejects(runCommands(command, forged, signer), { code: 1 });
  });
}

test('openssl names a bundle as we do', { skip }, async () => {
  const result = readUnverifiedBundle(Buffer.from(envelope));
  assert.ok(result.type === 'unverified');
  const printed = await runCommands(digest, envelope, ada);
  assert.equal(printed, `${result.bundle.digest} *payload.json\n`);
});
