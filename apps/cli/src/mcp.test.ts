import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable, Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { descendantsOf, isAlive, runHere } from './testing.ts';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));
const asking = fileURLToPath(new URL('./fixtures/asking-server.ts', import.meta.url));
let directory = '';
let config = '';

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'model-host-mcp-'));
  config = join(directory, 'model-host.yaml');
  await writeFile(
    join(directory, 'all.cedar'),
    '@id("all") permit (principal, action in [ModelHost::Action::"CallTool", ModelHost::Action::"Content"], resource);\n',
  );
  const servers = [{ alias: 'desk', command: process.execPath, args: [asking] }];
  await writeFile(
    config,
    JSON.stringify({
      server: { dataDirectory: 'data' },
      providers: [],
      agents: [],
      tools: { servers },
      policies: { directory: '.' },
      mcp: {},
    }),
  );
});
after(async () => rm(directory, { recursive: true }));

interface Message {
  readonly id?: number | string;
  readonly method?: string;
  readonly result?: unknown;
}

/** The command as a desktop host starts it. */
function start() {
  const child = spawn(process.execPath, [main, 'mcp', 'serve', '--config', config], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, 'close');
  return {
    child,
    ended,
    send: (message: object) =>
      void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`),
    next: async (): Promise<Message> => {
      const { value } = await lines.next();
      // Every line on stdout has to be a message.
      return JSON.parse(value ?? assert.fail('nothing more comes')) as Message;
    },
  };
}

test('a client that starts the command lists and calls tools, answers what they ask, and leaves nothing behind', async () => {
  const { child, ended, send, next } = start();
  send({
    id: 1,
    method: 'initialize',
    params: {
      protocolVersion: '2025-11-25',
      capabilities: { elicitation: {} },
      clientInfo: { name: 'desktop', version: '1' },
    },
  });
  assert.partialDeepStrictEqual(await next(), { id: 1, result: { protocolVersion: '2025-11-25' } });
  send({ method: 'notifications/initialized' });
  send({ id: 2, method: 'tools/list' });
  assert.partialDeepStrictEqual(await next(), {
    id: 2,
    result: { tools: [{ name: 'desk__greet' }] },
  });
  send({ id: 3, method: 'tools/call', params: { name: 'desk__greet', arguments: {} } });
  const asked = await next();
  assert.equal(asked.method, 'elicitation/create');
  send({ id: asked.id, result: { action: 'accept', content: { name: 'Ann' } } });
  assert.partialDeepStrictEqual(await next(), {
    id: 3,
    result: { content: [{ type: 'text', text: 'Hello Ann' }] },
  });
  const children = await descendantsOf({ child });
  assert.ok(children.length > 0);
  child.stdin.end();
  await ended;
  assert.equal(child.exitCode, 0);
  assert.deepEqual(children.filter(isAlive), []);
});

test('SIGTERM ends the command with its tool servers, although the client stays', async () => {
  const { child, ended, send, next } = start();
  send({ id: 1, method: 'ping' });
  await next();
  const children = await descendantsOf({ child });
  child.kill('SIGTERM');
  await ended;
  assert.equal(child.exitCode, 0);
  assert.deepEqual(children.filter(isAlive), []);
});

test('a view that is not configured ends with 3, and stdout stays empty', async () => {
  const written: unknown[] = [];
  const output = new Writable({ write: (data, _encoding, done) => done(void written.push(data)) });
  const { code, stdout } = await runHere(['mcp', 'serve', '--config', config, '--view', 'none'], {
    streams: { input: Readable.from([]), output },
  });
  assert.deepEqual([code, stdout, written], [3, '', []]);
});
