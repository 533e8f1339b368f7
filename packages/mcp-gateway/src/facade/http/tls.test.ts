import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { createFakeRelay } from './fixtures/fake-relay.ts';
import { openFacade } from './fixtures/open-facade.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const skip = !hasOpenssl && 'there is no openssl in PATH, and Node makes no certificates';

function makeCertificate(): { readonly cert: string; readonly key: string } {
  const directory = mkdtempSync(join(tmpdir(), 'facade-tls-'));
  const files = { key: join(directory, 'key.pem'), cert: join(directory, 'cert.pem') };
  const subject = ['-subj', '/CN=facade.test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const out = ['-keyout', files.key, '-out', files.cert, '-days', '2'];
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, ...out], { stdio: 'pipe' });
  const pem = { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8') };
  rmSync(directory, { recursive: true });
  return pem;
}

test(
  'the listener speaks TLS 1.2 and newer, nothing older, and no plain HTTP',
  { skip },
  async () => {
    const tls = makeCertificate();
    const facade = await openFacade(createFakeRelay({}), { tls });
    const { hostname, port, protocol } = new URL(facade.url);
    assert.equal(protocol, 'https:');
    const protocolOf = async (options: ConnectionOptions): Promise<string | null> => {
      const socket = connect({ host: hostname, port: Number(port), ca: tls.cert, ...options });
      try {
        await once(socket, 'secureConnect');
        return socket.getProtocol();
      } finally {
        socket.destroy();
      }
    };
    try {
      assert.equal(await protocolOf({}), 'TLSv1.3');
      assert.equal(await protocolOf({ maxVersion: 'TLSv1.2' }), 'TLSv1.2');
      const ciphers = 'ALL@SECLEVEL=0';
      for (const version of ['TLSv1.1', 'TLSv1'] as const) {
        await assert.rejects(protocolOf({ minVersion: version, maxVersion: version, ciphers }));
      }
      await assert.rejects(fetch(`http://${hostname}:${port}/mcp`));
    } finally {
      await facade.close();
    }
  },
);
