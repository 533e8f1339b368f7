import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Pool } from 'undici';
import { createGrpcClient, type GrpcClient } from './grpc-client.ts';
import { createMockProvider } from './mock-provider.ts';
import { createPipe, pipePath } from './pipe.ts';
import { directTarget, pipeTarget } from './targets.ts';

interface Bench {
  readonly pool: Pool;
  readonly client: GrpcClient;
  /** Resolves when the provider is done with its next answer: whether it was whole. */
  readonly answered: Promise<boolean>;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A listening TCP server has an address with a port.
  return (server.address() as AddressInfo).port;
}

async function makeBench(t: TestContext): Promise<Bench> {
  const { promise: answered, resolve } = Promise.withResolvers<boolean>();
  const provider = createMockProvider({ onClose: resolve });
  const pool = new Pool(`http://127.0.0.1:${await listen(provider)}`);
  const pipe = createPipe(pool);
  const client = createGrpcClient(await listen(pipe), 1);
  t.after(async () => {
    client.close();
    await pool.destroy();
    pipe.close();
    provider.close();
  });
  return { pool, client, answered };
}

test('the pipe gives the bytes of the provider, and both targets count its tokens', async (t) => {
  const { pool, client, answered } = await makeBench(t);
  const pace = { tokens: 7, intervalMs: 0 };
  const answer: Buffer[] = [];
  await client.call({
    path: pipePath('mock-7-0'),
    message: new Uint8Array(0),
    onMessage: (bytes) => answer.push(Buffer.from(bytes)),
  });
  const text = Buffer.concat(answer).toString();
  assert.equal(text.match(/"content":" \w+"/g)?.length, 7);
  assert.match(text, /"finish_reason":"stop"[\s\S]*"completion_tokens":7[\s\S]*\[DONE\]\n\n$/);
  assert.equal(await answered, true);
  assert.equal((await pipeTarget(client, pace)()).tokens, 7);
  assert.equal((await directTarget(pool, pace)()).tokens, 7);
});

test('an answer that the provider refuses fails the call', async (t) => {
  const { client } = await makeBench(t);
  const call = { path: pipePath('other'), message: new Uint8Array(0), onMessage: () => {} };
  await assert.rejects(client.call(call));
});

test('a caller that leaves makes the pipe close its connection to the provider', async (t) => {
  const { client, answered } = await makeBench(t);
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const call = client.call({
    path: pipePath('mock-1000-1000'),
    message: new Uint8Array(0),
    onMessage: () => resolve(),
  });
  await begun;
  client.close();
  await assert.rejects(call);
  assert.equal(await answered, false);
});
