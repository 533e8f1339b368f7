import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { gzipSync } from 'node:zlib';
import { HostError } from '@modelhost/kernel';
import fc from 'fast-check';
import type { Resolve } from './address-guard.ts';
import { listenHttp, reach } from './fixtures/http-listener.ts';
import type { OutboundFetch, OutboundFetchOptions } from './outbound-fetch.ts';

function isRefusal(error: unknown): true {
  assert.ok(error instanceof HostError);
  assert.equal(error.code, 'mcp_connection_failed');
  assert.equal(error.facts['sent'], undefined);
  assert.match(error.message, /^notes: (the address of .* may not be reached|not an http)/);
  return true;
}

/** Neither way of asking may reach it, and neither may the check say otherwise. */
async function assertRefused(outbound: OutboundFetch, url: string): Promise<void> {
  await assert.rejects(outbound(url), isRefusal, url);
  await assert.rejects(outbound.check(new URL(url)), isRefusal, url);
}

const { signal } = new AbortController();
const get = { method: 'GET', headers: {}, signal } as const;
const toAddresses =
  (...addresses: readonly string[]): Resolve =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

const innerHosts = [
  '127.0.0.1',
  '127.1',
  '127.8.8.8',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0177.0.0.1',
  '017700000001',
  '127.0.0.1.',
  '１２７.０.０.１',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[64:ff9b::7f00:1]',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '100.64.0.1',
  '[fc00::1]',
  '[fd12:3456::1]',
];
const forbiddenHosts = [
  '169.254.169.254',
  '2852039166',
  '0xa9fea9fe',
  '[::ffff:169.254.169.254]',
  '[64:ff9b::a9fe:a9fe]',
  '[fe80::1]',
  '224.0.0.1',
  '255.255.255.255',
  '0.0.0.0',
  '0',
  '[::]',
  '[ff02::1]',
];

test('abuse A14: no way of writing an inner address reaches it', async (t) => {
  const listener = await listenHttp(t, (_request, response) => void response.end());
  const outbound = reach(t, 'https://notes.example/mcp');
  for (const host of [...innerHosts, ...forbiddenHosts]) {
    await assertRefused(outbound, `http://${host}:${listener.port}/`);
  }
  assert.equal(listener.connections(), 0);
});

test('abuse A14: no name that stands for an inner address is reached', async (t) => {
  const listener = await listenHttp(t, (_request, response) => void response.end());
  for (const host of [...innerHosts, ...forbiddenHosts]) {
    const { hostname } = new URL(`http://${host}/`);
    const address = hostname.replaceAll(/[[\]]/g, '');
    const baseUrl = `http://notes.example:${listener.port}/mcp`;
    const outbound = reach(t, baseUrl, { resolve: toAddresses(address) });
    await assertRefused(outbound, baseUrl);
    await assert.rejects(outbound.request(get), isRefusal);
  }
  assert.equal(listener.connections(), 0);
});

test('abuse A14: a name with one inner address among others is refused as a whole', async (t) => {
  const baseUrl = 'http://notes.example/mcp';
  await assertRefused(reach(t, baseUrl, { resolve: toAddresses('1.1.1.1', '10.0.0.1') }), baseUrl);
  await assertRefused(reach(t, baseUrl, { resolve: toAddresses() }), baseUrl);
});

test('abuse A14: a name that changes its address after it was checked is judged again', async (t) => {
  const listener = await listenHttp(t, (_request, response) => void response.end());
  const answers = ['1.1.1.1', '127.0.0.1', '127.0.0.1'];
  const baseUrl = `http://rebind.example:${listener.port}/mcp`;
  const outbound = reach(t, baseUrl, {
    resolve: async () => [{ address: answers.shift() ?? '', family: 4 }],
  });
  await outbound.check(new URL(baseUrl));
  await assert.rejects(outbound.request(get), isRefusal);
  assert.equal(listener.connections(), 0);
});

test('abuse A14: the connection goes to the address that was judged, under the name that was asked for', async (t) => {
  const listener = await listenHttp(t, (_request, response) => void response.end('here'));
  const asked: string[] = [];
  // This name has no address but the one it gets here: another look-up could not find any.
  const baseUrl = `http://pinned.invalid:${listener.port}/mcp`;
  const outbound = reach(t, baseUrl, {
    allowPrivateNetwork: true,
    resolve: async (hostname) => {
      asked.push(hostname);
      return [{ address: '127.0.0.1', family: 4 }];
    },
  });
  const { body } = await outbound.request(get);
  assert.deepEqual(body, { type: 'text', text: 'here' });
  assert.deepEqual(asked, ['pinned.invalid']);
  assert.equal(listener.requests[0]?.headers.host, `pinned.invalid:${listener.port}`);
});

test('abuse A14: the TLS name stays the one that was asked for', async (t) => {
  const hello = Promise.withResolvers<string | Buffer>();
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (chunk) => {
      hello.resolve(chunk);
      socket.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => new Promise((resolve) => server.close(resolve)));
  // A server that listens on a port has an address of this type.
  const { port } = server.address() as AddressInfo;
  const outbound = reach(t, `https://pinned.invalid:${port}/`, {
    allowPrivateNetwork: true,
    resolve: toAddresses('127.0.0.1'),
  });
  await assert.rejects(outbound.request(get), HostError);
  assert.ok((await hello.promise).includes('pinned.invalid'));
});

test('abuse A14: the operator may allow inner addresses, but never link-local ones and those of no host', async (t) => {
  const listener = await listenHttp(t, (_request, response) => void response.end('here'));
  const outbound = reach(t, 'https://notes.example/mcp', { allowPrivateNetwork: true });
  for (const host of innerHosts) await outbound.check(new URL(`http://${host}/`));
  assert.equal(await (await outbound(listener.origin)).text(), 'here');
  for (const host of forbiddenHosts) await assertRefused(outbound, `http://${host}/`);
});

test('abuse A14: a loopback URL of the operator allows exactly its origin', async (t) => {
  const own = await listenHttp(t, (_request, response) => void response.end('own'));
  const other = await listenHttp(t, (_request, response) => void response.end());
  for (const host of ['127.0.0.1', 'localhost']) {
    const baseUrl = `http://${host}:${own.port}/mcp`;
    const outbound = reach(t, baseUrl, { resolve: toAddresses('127.0.0.1') });
    assert.deepEqual((await outbound.request(get)).body, { type: 'text', text: 'own' });
    for (const url of [
      `http://${host}:${other.port}/`,
      `http://127.0.0.2:${own.port}/`,
      `http://elsewhere.example:${own.port}/`,
      `https://${host}/`,
    ]) {
      await assertRefused(outbound, url);
    }
  }
  const farther = { resolve: toAddresses('10.0.0.1') };
  await assertRefused(reach(t, 'http://localhost:1/', farther), 'http://localhost:1/');
  assert.equal(other.connections(), 0);
});

test('abuse A14: other schemes than http and https are refused', async (t) => {
  const outbound = reach(t, 'http://127.0.0.1:1/', { allowPrivateNetwork: true });
  for (const url of ['file:///etc/passwd', 'data:,x', 'ftp://notes.example/', 'javascript:1']) {
    await assertRefused(outbound, url);
  }
});

async function redirecting(t: TestContext, location: string, status = 307): Promise<OutboundFetch> {
  const listener = await listenHttp(t, ({ url }, response) => {
    if (url === '/end') response.end('end');
    else response.writeHead(status, { location }).end();
  });
  return reach(t, `${listener.origin}/mcp`);
}

test('abuse A14: redirects to another origin are not followed, so that no credential gets there', async (t) => {
  const other = await listenHttp(t, (_request, response) => void response.end());
  for (const location of [
    `${other.origin}/end`,
    `//127.0.0.1:${other.port}/end`,
    'http://169.254.169.254/latest/meta-data',
    'https://notes.example/',
    'file:///etc/passwd',
    'http://[',
  ]) {
    const outbound = await redirecting(t, location);
    const request = { ...get, headers: { authorization: 'Bearer x' } };
    assert.equal((await outbound.request(request)).status, 307, location);
  }
  assert.equal(other.connections(), 0);
});

test('redirects within the origin are followed when they keep the method, at most three', async (t) => {
  const outbound = await redirecting(t, '/end');
  assert.deepEqual((await outbound.request(get)).body, { type: 'text', text: 'end' });
  const posted = await outbound.request({ ...get, method: 'POST', body: '{}' });
  assert.deepEqual(posted.body, { type: 'text', text: 'end' });

  const moved = await redirecting(t, '/end', 302);
  assert.deepEqual((await moved.request(get)).body, { type: 'text', text: 'end' });
  assert.equal((await moved.request({ ...get, method: 'POST', body: '{}' })).status, 302);

  const turning = await redirecting(t, '/again');
  await assert.rejects(turning.request(get), /notes: more than 3 redirects/);
});

test('abuse A5: no value of a header changes the path, the query or another header', async (t) => {
  const listener = await listenHttp(t, (_request, response) => void response.end());
  const outbound = reach(t, `${listener.origin}/mcp?tenant=a`);
  const bit = fc.constantFrom(
    '../',
    '..%2f',
    '?',
    '#',
    '%',
    '\r\n',
    '\n',
    '\0',
    '．．/',
    'x-evil: 1',
    'é',
    ' ',
  );
  const anyValue = fc.oneof(
    fc.string(),
    fc.array(bit).map((bits) => bits.join('')),
  );
  await fc.assert(
    fc.asyncProperty(anyValue, async (value) => {
      const before = listener.requests.length;
      try {
        await outbound.request({ ...get, headers: { 'mcp-name': value } });
      } catch (error) {
        assert.ok(error instanceof HostError && error.code === 'validation_failed');
        assert.match(value, /[^\t\u0020-\u007e\u0080-\u00ff]/);
        assert.equal(listener.requests.length, before);
        return;
      }
      const { url, headers } = listener.requests[before] ?? {};
      assert.equal(url, '/mcp?tenant=a');
      assert.equal(headers?.['mcp-name'], value.replaceAll(/^[\t ]+|[\t ]+$/g, ''));
      const names = ['host', 'connection', 'accept-encoding', 'mcp-name'];
      assert.deepEqual(new Set(Object.keys(headers ?? {})), new Set(names));
    }),
  );
});

test('abuse A5: a name of a header that would be two is refused', async (t) => {
  const listener = await listenHttp(t, (_request, response) => void response.end());
  const outbound = reach(t, listener.origin);
  for (const name of ['', 'a b', 'a:b', 'a\r\nb', 'ä', 'a\0']) {
    await assert.rejects(outbound.request({ ...get, headers: { [name]: 'x' } }), HostError);
  }
  assert.equal(listener.requests.length, 0);
});

test('abuse A20: a body that unfolds into a huge one is cut at the bound', async (t) => {
  const bomb = gzipSync(Buffer.alloc(50_000_000));
  const listener = await listenHttp(t, ({ url }, response) => {
    const type = url === '/events' ? 'text/event-stream' : 'application/json';
    response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': type }).end(bomb);
  });
  const more: Partial<OutboundFetchOptions> = { messageBytesMax: 100_000 };
  const isTooLarge = (error: unknown): boolean =>
    error instanceof HostError && error.code === 'mcp_result_too_large';
  await assert.rejects(reach(t, listener.origin, more).request(get), isTooLarge);
  const { body } = await reach(t, `${listener.origin}/events`, more).request(get);
  assert.ok(body.type === 'events');
  await assert.rejects(Array.fromAsync(body.events), isTooLarge);
});
