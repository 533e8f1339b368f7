import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { HostError } from '@modelhost/kernel';
import { createModelHostClient } from '@modelhost/sdk';
import { failureOf } from './fixtures/guarded-server.ts';
import { keys, makeDirectory, startTestHost } from './fixtures/started-host.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const skip = !hasOpenssl && 'there is no openssl in PATH, and Node makes no certificates';
const directory = makeDirectory({ after });
const tls = { certFile: join(directory, 'cert.pem'), keyFile: join(directory, 'key.pem') };

before(() => {
  if (skip !== false) return;
  const subject = ['-subj', '/CN=host.test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const files = ['-keyout', tls.keyFile, '-out', tls.certFile, '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, ...files], { stdio: 'pipe' });
});

test('a client that trusts the certificate is served', { skip }, async () => {
  await using started = await startTestHost({ server: { tls } });
  const client = createModelHostClient({
    address: started.host.grpcAddress,
    apiKey: keys.alice.key,
    tls: { caFile: tls.certFile },
  });
  assert.equal((await client.getStatus()).version, '1.2.3');
  client.close();
});

test(
  'the certificate is held against the name or the address that the client knows',
  { skip },
  async () => {
    await using started = await startTestHost({
      server: { tls, host: '0.0.0.0', healthHost: '127.0.0.1' },
    });
    const port = started.host.grpcAddress.split(':')[1];
    // The certificate is for 127.0.0.1 alone.
    for (const name of ['localhost', '127.0.0.2']) {
      const address = `${name}:${port}`;
      const client = createModelHostClient({ address, tls: { caFile: tls.certFile } });
      const error = await failureOf(client.getStatus());
      assert.match(error.message, /does not match certificate/);
      assert.equal(error.grpcStatus, 'UNAVAILABLE');
      client.close();
    }
  },
);

test('a client without TLS, or with other roots, is not', { skip }, async () => {
  await using started = await startTestHost({ server: { tls } });
  for (const trusted of [false, true]) {
    const client = createModelHostClient({
      address: started.host.grpcAddress,
      apiKey: keys.alice.key,
      tls: trusted,
    });
    const error = await failureOf(client.getStatus());
    assert.equal(error.code, 'transport');
    assert.equal(error.grpcStatus, 'UNAVAILABLE');
    client.close();
  }
});

test('a certificate that is none is refused before anything listens', async () => {
  const broken = join(directory, 'broken.pem');
  writeFileSync(broken, 'no certificate');
  await assert.rejects(
    startTestHost({ server: { tls: { certFile: broken, keyFile: broken } } }),
    (thrown) =>
      thrown instanceof HostError &&
      thrown.code === 'config_invalid' &&
      thrown.message.includes(broken) &&
      !thrown.message.includes('no certificate\n'),
  );
});
