import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { createJsonSchemas } from '@modelhost/json-schema';
import type { Clock } from '@modelhost/kernel';
import { createHttpToolSet, serveHttp } from './fixtures/http-server.ts';
import { createManualClock } from './fixtures/manual-clock.ts';
import {
  fixtureProcess,
  isHostError,
  serverSpec,
  startGateway,
  until,
} from './fixtures/start-gateway.ts';
import type { StartedGateway } from './fixtures/start-gateway.ts';
import { createPinMemory } from './fixtures/pin-memory.ts';
import { createMcpGateway } from './index.ts';
import type { ToolServerSpec } from './index.ts';

interface Peer extends StartedGateway {
  /** Resolves once the server has said `event`. */
  readonly reported: (event: string) => Promise<unknown>;
}

type StartPeer = (
  t: TestContext,
  changes?: Partial<ToolServerSpec>,
  clock?: Clock,
) => Promise<Peer>;

/** The same tool set over every transport and in every era. */
const peers: ReadonlyMap<string, StartPeer> = new Map([
  ['modern stdio', startStdio('modern')],
  ['legacy stdio', startStdio('legacy')],
  ['modern HTTP', startHttp('modern')],
  ['legacy HTTP with sessions', startHttp('legacy')],
]);

function startStdio(era: string): StartPeer {
  return async (t, changes, clock) => {
    const spec = serverSpec('fix', fixtureProcess('stdio-server', era), changes);
    const started = startGateway(t, [spec], clock === undefined ? {} : { clock });
    await started.gateway.connected();
    return { ...started, reported: started.logged };
  };
}

function startHttp(era: 'modern' | 'legacy'): StartPeer {
  return async (t, changes, clock) => {
    const events = new Map<string, PromiseWithResolvers<void>>();
    function event(name: string): PromiseWithResolvers<void> {
      const known = events.get(name) ?? Promise.withResolvers<void>();
      events.set(name, known);
      return known;
    }
    const fixture = await serveHttp(createHttpToolSet(era, (name) => event(name).resolve()));
    const transport = { type: 'http', url: fixture.url, headers: {} } as const;
    const spec = serverSpec('fix', transport, changes);
    const started = startGateway(t, [spec], clock === undefined ? {} : { clock });
    t.after(() => fixture.close());
    await started.gateway.connected();
    return { ...started, reported: (name) => event(name).promise };
  };
}

for (const [peer, start] of peers) {
  test(`${peer}: the catalogue has all pages, sorted, with stable names`, async (t) => {
    const { gateway, reported } = await start(t, { effects: { echo: 'none', '*': 'reversible' } });
    await reported(`serving ${peer.split(' ')[0]}`);
    assert.deepEqual(gateway.servers(), [
      { alias: 'fix', state: 'ready', toolCount: 11, quarantinedCount: 0, error: undefined },
    ]);
    const tools = gateway.listTools('acme');
    const names = tools.map(({ name }) => name);
    assert.deepEqual(names, names.toSorted());
    assert.match(names[0] ?? '', /^fix__a_name_that_is_far_too_long_and_full_of_sp_[0-9a-f]{16}$/);
    const echo = tools.find(({ name }) => name === 'fix__echo');
    assert.deepEqual(
      [echo?.effect, echo?.server, echo?.serverTool, echo?.executor, echo?.description],
      ['none', 'fix', 'echo', 'host', 'Does echo'],
    );
    assert.equal(tools.find(({ name }) => name === 'fix__env')?.effect, 'reversible');
  });

  test(`${peer}: a call answers with text, and its key travels in _meta`, async (t) => {
    const { call } = await start(t);
    const echoed = { type: 'answer', content: 'héllo', isError: false, isTruncated: false };
    assert.deepEqual(await call('fix__echo', { text: 'héllo' }), echoed);
    assert.match((await call('fix__meta')).content, /"modelhost\/idempotency-key":"key-1"/);
    const failed = { type: 'answer', content: 'no such file', isError: true, isTruncated: false };
    assert.deepEqual(await call('fix__fail'), failed);
    assert.equal((await call('fix__structured')).content, '{"answer":42}');
    assert.deepEqual((await call('fix__mixed')).content.split('\n'), [
      'before',
      '[image image/png, 8 bytes]',
      '[audio audio/wav, 8 bytes]',
      '[resource file:///a b of unknown type, 3 bytes]',
      '[resource link file:///c c]',
    ]);
    const large = await call('fix__large');
    assert.ok(large.content.startsWith('é'.repeat(1_000)) && large.isTruncated);
    assert.ok(Buffer.byteLength(large.content) <= 4_096);
  });

  test(`${peer}: cancelling rejects with the reason and reaches the server`, async (t) => {
    const { call, reported } = await start(t);
    const reason = { type: 'cancelled', by: 'user' };
    const cancel = new AbortController();
    const calling = call('fix__wait', {}, { signal: cancel.signal });
    await reported('call wait');
    cancel.abort(reason);
    await assert.rejects(calling, (thrown) => thrown === reason);
    await reported('aborted');
    assert.equal((await call('fix__echo', { text: 'still here' })).content, 'still here');
  });

  test(`${peer}: a call without an answer in time fails, and the server is told`, async (t) => {
    const clock = createManualClock();
    const { call, reported } = await start(t, { callTimeoutMs: 50 }, clock);
    const calling = call('fix__wait');
    await reported('call wait');
    clock.advance(50);
    const facts = { server: 'fix', tool: 'fix__wait', timeout_ms: '50', sent: 'true' };
    await assert.rejects(calling, isHostError('mcp_timeout', facts));
    await reported('aborted');
  });

  test(`${peer}: a protocol error keeps the server's code and words`, async (t) => {
    const { call } = await start(t);
    await assert.rejects(call('fix__refuse'), (error) => {
      assert.ok(isHostError('mcp_protocol_error', { server: 'fix', tool: 'fix__refuse' })(error));
      assert.match(String(error), /error -32000: .*out of paper/);
      return true;
    });
  });

  test(`${peer}: a changed list of tools is read again, and what is new waits to be approved`, async (t) => {
    const { gateway, call } = await start(t);
    assert.equal(gateway.listTools('acme').length, 11);
    await call('fix__grow');
    await until(() => gateway.servers()[0]?.quarantinedCount === 1);
    assert.equal(gateway.listTools('acme').length, 11);
    await assert.rejects(call('fix__grown'), isHostError('mcp_tool_not_found'));
    const [set] = gateway.pins.sets('acme');
    await gateway.pins.approve({ alias: 'fix', by: 'op', setDigest: set?.setDigest ?? '' });
    assert.equal(gateway.listTools('acme').length, 12);
    assert.equal((await call('fix__grown', { text: 'new' })).content, 'new');
  });

  test(`${peer}: arguments that do not fit are named, and never sent`, async (t) => {
    const { gateway, call } = await start(t);
    assert.deepEqual(gateway.checkArguments('fix__echo', { text: 'a' }), []);
    const violations = [{ field: 'text', description: 'must be string' }];
    assert.deepEqual(gateway.checkArguments('fix__echo', { text: 5 }), violations);
    await assert.rejects(call('fix__echo', { text: 5 }), (error) => {
      assert.ok(isHostError('tool_arguments_invalid', { tool: 'fix__echo' })(error));
      return true;
    });
    await assert.rejects(call('fix__none'), isHostError('mcp_tool_not_found'));
    assert.throws(
      () => gateway.checkArguments('other__echo', {}),
      isHostError('mcp_tool_not_found'),
    );
  });
}

test('a child sees a few variables of the host and those configured, and no secret', async (t) => {
  const transport = { ...fixtureProcess('stdio-server'), env: { FROM_CONFIG: 'yes' } };
  const environment = { PATH: process.env['PATH'], HOME: '/h', API_KEY: 'secret', LANG: undefined };
  const spec = serverSpec('fix', transport);
  const { gateway, call } = startGateway(t, [spec], { environment });
  await gateway.connected();
  const { content } = await call('fix__env');
  // The tool prints its environment as JSON.
  const seen = Object.keys(JSON.parse(content) as object).filter((name) => name !== 'PWD');
  assert.deepEqual(seen.toSorted(), ['FROM_CONFIG', 'HOME', 'MODEL_HOST_CHILD', 'PATH']);
});

test('configured headers go with every request, and the session is ended at close', async (t) => {
  const ended = Promise.withResolvers<void>();
  const handler = createHttpToolSet('legacy', (event) => {
    if (event === 'session closed') ended.resolve();
  });
  const keys = new Set<string | null>();
  const fixture = await serveHttp((request) => {
    keys.add(request.headers.get('authorization'));
    return handler(request);
  });
  t.after(() => fixture.close());
  const headers = { authorization: 'Bearer abc' };
  const spec = serverSpec('fix', { type: 'http', url: fixture.url, headers });
  const { gateway, call } = startGateway(t, [spec], { clock: createManualClock() });
  await gateway.connected();
  await call('fix__echo', { text: 'a' });
  await gateway.close();
  await ended.promise;
  assert.deepEqual([...keys], ['Bearer abc']);
});

test('a server that comes back with other sessions fails one call and serves the next', async (t) => {
  const first = await serveHttp(createHttpToolSet('legacy', () => {}));
  const spec = serverSpec('fix', { type: 'http', url: first.url, headers: {} });
  const { gateway, call } = startGateway(t, [spec], { clock: createManualClock() });
  await gateway.connected();
  await first.close();
  await assert.rejects(call('fix__echo', { text: 'a' }), isHostError('mcp_connection_failed'));
  assert.deepEqual(gateway.servers()[0]?.state, 'failed');
  await assert.rejects(call('fix__echo', { text: 'a' }), isHostError('mcp_connection_failed'));
  const second = await serveHttp(
    createHttpToolSet('legacy', () => {}),
    Number(new URL(first.url).port),
  );
  t.after(() => second.close());
  assert.equal((await call('fix__echo', { text: 'back' })).content, 'back');
  assert.equal(gateway.servers()[0]?.state, 'ready');
});

test('two published servers and one that does not start are served side by side', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'note.txt'), 'buy milk');
  const specs = [
    serverSpec('files', published('server-filesystem', [folder])),
    serverSpec('memory', published('server-memory', [], { MEMORY_FILE_PATH: join(folder, 'm') })),
    serverSpec('gone', { type: 'stdio', command: join(folder, 'none'), args: [], env: {} }),
  ];
  const { gateway, call } = startGateway(t, specs, { clock: createManualClock() });
  await gateway.connected();
  assert.deepEqual(
    gateway.servers().map(({ alias, state, error }) => [alias, state, error]),
    [
      ['files', 'ready', undefined],
      ['memory', 'ready', undefined],
      ['gone', 'failed', 'gone: it cannot be started or reached (ENOENT)'],
    ],
  );
  assert.equal(gateway.listTools('acme').length, 23);
  const path = join(folder, 'note.txt');
  assert.equal((await call('files__read_text_file', { path })).content, 'buy milk');
  const entities = [{ name: 'milk', entityType: 'food', observations: ['white'] }];
  assert.equal((await call('memory__create_entities', { entities })).isError, false);
  assert.match((await call('memory__read_graph')).content, /"white"/);
  assert.equal((await call('files__read_text_file', { path: '/etc/passwd' })).isError, true);
});

test('a server that failed is tried again when the tools are listed, but not too often', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-'));
  t.after(() => rm(folder, { recursive: true }));
  const script = join(folder, 'later.mjs');
  const transport = { type: 'stdio', command: process.execPath, args: [script], env: {} } as const;
  const clock = createManualClock();
  // It is not tried again by itself.
  const times = { attemptsMax: 0 };
  const { gateway } = startGateway(t, [serverSpec('late', transport)], { clock, times });
  await gateway.connected();
  assert.equal(gateway.servers()[0]?.state, 'failed');
  const fixture = new URL('fixtures/stdio-server.ts', import.meta.url);
  await writeFile(script, `await import(${JSON.stringify(fixture.href)});`);
  clock.advance(4_999);
  assert.deepEqual(gateway.listTools('acme'), []);
  assert.equal(gateway.servers()[0]?.state, 'failed');
  clock.advance(1);
  assert.deepEqual(gateway.listTools('acme'), []);
  assert.equal(gateway.servers()[0]?.state, 'connecting');
  await until(() => gateway.servers()[0]?.state === 'ready');
  assert.equal(gateway.listTools('acme').length, 11);
});

test('aliases that are malformed, reserved or used twice are refused', () => {
  const transport = fixtureProcess('stdio-server');
  for (const aliases of [
    ['Files'],
    ['a_b'],
    ['1a'],
    [''],
    ['a'.repeat(21)],
    ['client'],
    ['a', 'a'],
  ]) {
    assert.throws(
      () =>
        createMcpGateway({
          servers: aliases.map((alias) => serverSpec(alias, transport)),
          schemas: createJsonSchemas(),
          clientVersion: '1',
          pinStore: createPinMemory(),
          environment: {},
        }),
      isHostError('config_invalid'),
    );
  }
});

function published(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ToolServerSpec['transport'] {
  const entry = fileURLToPath(import.meta.resolve(`@modelcontextprotocol/${name}/dist/index.js`));
  return { type: 'stdio', command: process.execPath, args: [entry, ...args], env };
}
