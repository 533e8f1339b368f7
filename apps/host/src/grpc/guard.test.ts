import assert from 'node:assert/strict';
import { getEventListeners, once } from 'node:events';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import {
  AgentService,
  GetStatusResponseSchema,
  RunResponseSchema,
  PolicyService,
  SystemService,
  ToolService,
} from '@modelhost/contracts';
import { HostError } from '@modelhost/kernel';
import type { ErrorCode } from '@modelhost/kernel';
import fc from 'fast-check';
import { errorTable } from './error-table.ts';
import { encode } from './service.ts';
import { apiKey, failureOf, serveGuarded } from '../fixtures/guarded-server.ts';

test('two thousand made-up keys reach no handler of any method', async () => {
  await using host = await serveGuarded();
  const client = new Client(host.address, credentials.createInsecure());
  const methods = [AgentService, ToolService, PolicyService, SystemService].flatMap((service) =>
    service.methods.map((method) => ({
      path: `/${service.typeName}/${method.name}`,
      isUnary: method.methodKind === 'unary',
    })),
  );
  const same = (bytes: Buffer): Buffer => bytes;

  async function statusOf(key: string | undefined, at: number): Promise<number> {
    const metadata = new Metadata();
    if (key !== undefined) metadata.set('authorization', key);
    const { path, isUnary } = methods[at % methods.length] ?? assert.fail();
    return new Promise((resolve) => {
      const answered = (error: ServiceError | null): void => resolve(error?.code ?? status.OK);
      if (isUnary) {
        client.makeUnaryRequest(path, same, same, Buffer.alloc(0), metadata, answered);
      } else {
        const stream = client.makeServerStreamRequest(path, same, same, Buffer.alloc(0), metadata);
        stream
          .on('error', answered)
          .on('end', () => answered(null))
          .resume();
      }
    });
  }

  const part = fc.string({
    unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 60,
  });
  const keys = fc
    .sample(
      fc.oneof(
        part.map((text) => `Bearer ${text}`),
        part.map((text) => `Bearer mh_${apiKey.id}_${text}`),
        part.map((text) => `${text} ${apiKey.key}`),
        fc.constantFrom(
          undefined,
          "Bearer ' OR 1=1--",
          apiKey.key,
          `Basic ${apiKey.key}`,
          `Bearer ${apiKey.hash}`,
        ),
      ),
      { numRuns: 2_000, seed: 7 },
    )
    .filter((key) => key?.toLowerCase() !== `bearer ${apiKey.key.toLowerCase()}`);
  const statuses = new Set<number>();
  for (let from = 0; from < keys.length; from += 100) {
    const some = keys.slice(from, from + 100);
    for (const code of await Promise.all(some.map(async (key, at) => statusOf(key, from + at))))
      statuses.add(code);
  }
  client.close();
  assert.deepEqual([...statuses], [status.UNAUTHENTICATED]);
  assert.equal(host.handled(), 0);
  assert.equal(host.reports.length, keys.length);
});

test('a method that is slower than the request timeout is told to stop and answers so', async () => {
  let reason: unknown;
  await using host = await serveGuarded({
    requestTimeoutMs: 20,
    getStatus: async ({ signal }) => {
      signal.addEventListener('abort', () => (reason = signal.reason));
      return new Promise(() => {});
    },
  });
  const error = await failureOf(host.connect().getStatus());
  assert.equal(error.code, 'deadline_exceeded');
  assert.equal(error.grpcStatus, 'DEADLINE_EXCEEDED');
  assert.deepEqual(error.facts, { timeout_ms: '20' });
  assert.ok(reason instanceof HostError && reason.code === 'deadline_exceeded');
});

test('an error arrives with its status, code, facts, violations and retry advice', async () => {
  let thrown = new HostError('internal', '');
  await using host = await serveGuarded({ getStatus: async () => Promise.reject(thrown) });
  const client = host.connect();
  // Every code of the table is an ErrorCode by its type.
  for (const code of Object.keys(errorTable) as ErrorCode[]) {
    thrown = new HostError(code, `what ${code} says, ü`, {
      cause: new Error('canary'),
      facts: { tool: 'files__read', budget: 'tokens' },
      violations: [{ field: 'spec.input[0]', description: 'must be set' }],
      retryAfterMs: 1_234,
    });
    const error = await failureOf(client.getStatus());
    assert.deepEqual(
      {
        code: error.code,
        grpcStatus: error.grpcStatus,
        message: error.message,
        facts: error.facts,
        violations: error.violations,
        retryAfterMs: error.retryAfterMs,
      },
      {
        code,
        grpcStatus: errorTable[code].grpc,
        message: thrown.message,
        facts: thrown.facts,
        violations: thrown.violations,
        retryAfterMs: 1_234,
      },
    );
  }
});

test('an error with more to say than headers can hold still arrives', async () => {
  const thrown = new HostError('validation_failed', 'm'.repeat(100_000), {
    facts: Object.fromEntries(
      Array.from({ length: 100 }, (_none, at) => [`fact_${at}`, 'f'.repeat(10_000)]),
    ),
    violations: Array.from({ length: 1_000 }, (_none, at) => ({
      field: `spec.input[${at}]`,
      description: 'd'.repeat(1_000),
    })),
  });
  await using host = await serveGuarded({ getStatus: async () => Promise.reject(thrown) });
  const error = await failureOf(host.connect().getStatus());
  assert.equal(error.code, 'validation_failed');
  assert.equal(error.grpcStatus, 'INVALID_ARGUMENT');
  assert.ok(error.violations.length > 0);
});

test('a fault says nothing of itself to the caller and everything to the log', async () => {
  const fault = new TypeError('canary of 10.0.0.1');
  await using host = await serveGuarded({ getStatus: async () => Promise.reject(fault) });
  const reported = host.reported();
  const error = await failureOf(host.connect().getStatus());
  assert.equal(error.code, 'internal');
  assert.equal(error.grpcStatus, 'INTERNAL');
  assert.ok(!JSON.stringify([error.message, error.facts, error.violations]).includes('canary'));
  const report = await reported;
  assert.equal(report.error, fault);
  assert.equal(report.method, '/modelhost.v1.SystemService/GetStatus');
  assert.equal(report.principal?.tenant, 'acme');
});

test('an answer that cannot be encoded is a fault, and the host lives on', async () => {
  let answer: object = { runsInFlight: 2 ** 40 };
  await using host = await serveGuarded({ getStatus: async () => Promise.resolve(answer) });
  const client = host.connect();
  assert.equal((await failureOf(client.getStatus())).code, 'internal');
  answer = create(GetStatusResponseSchema, { version: '1' });
  assert.equal((await client.getStatus()).version, '1');
});

const block = encode(
  RunResponseSchema,
  create(RunResponseSchema, {
    event: { event: { case: 'textDelta', value: { text: 'x'.repeat(65_536) } } },
  }),
);

function openRun(address: string): ClientReadableStream<Buffer> & { end(): void } {
  const client = new Client(address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${apiKey.key}`);
  const same = (bytes: Buffer): Buffer => bytes;
  const stream = client.makeServerStreamRequest(
    '/modelhost.v1.AgentService/Run',
    same,
    same,
    Buffer.alloc(0),
    metadata,
  );
  return Object.assign(stream, { end: () => client.close() });
}

test('a stream that has nothing to tell yet says at once that it was taken, and a refused one does not', async () => {
  await using host = await serveGuarded({
    follow: async function* quiet({ signal }) {
      await once(signal, 'abort');
      yield* [];
    },
  });
  const stream = openRun(host.address);
  await once(stream, 'metadata');
  stream.on('error', () => {}).cancel();
  stream.end();
  const client = new Client(host.address, credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  const path = '/modelhost.v1.AgentService/Run';
  const refused = client.makeServerStreamRequest(path, same, same, Buffer.alloc(0));
  refused.once('metadata', () => assert.fail('a call without a key was taken'));
  const ended = Promise.withResolvers<ServiceError>();
  refused.on('error', ended.resolve).resume();
  assert.equal((await ended.promise).code, status.UNAUTHENTICATED);
  client.close();
});

test('a slow reader holds the events back', async () => {
  const total = 400;
  let produced = 0;
  await using host = await serveGuarded({
    follow: async function* all() {
      for (; produced < total; produced += 1) yield block;
    },
  });
  const stream = openRun(host.address);
  let read = 0;
  let aheadMax = 0;
  for await (const bytes of stream) {
    assert.equal(Buffer.isBuffer(bytes), true);
    read += 1;
    aheadMax = Math.max(aheadMax, produced - read);
  }
  stream.end();
  assert.equal(read, total);
  // Windows and buffers of both sides hold a few hundred kilobytes; the whole is 26 megabytes.
  assert.ok(aheadMax < 100, `${aheadMax} messages ahead of the reader`);
});

for (const isDeaf of [false, true]) {
  test(`a caller that leaves while it reads nothing ends the stream${isDeaf ? ', even of a handler that ignores its signal' : ''}`, async () => {
    const ended = Promise.withResolvers<void>();
    const stalled = Promise.withResolvers<void>();
    await using host = await serveGuarded({
      follow: async function* endless({ signal }) {
        const isOver = (): boolean => signal.aborted && !isDeaf;
        try {
          for (let sent = 0; !isOver(); sent += 1) {
            if (sent === 2) setImmediate(stalled.resolve);
            yield block;
          }
        } finally {
          ended.resolve();
        }
      },
    });
    const stream = openRun(host.address);
    stream.on('error', () => {});
    await stalled.promise;
    stream.cancel();
    await ended.promise;
    stream.end();
  });
}

test('a slow reader leaves no listeners behind', async () => {
  let listeners = 0;
  await using host = await serveGuarded({
    follow: async function* all({ signal }) {
      for (let sent = 0; sent < 300; sent += 1) yield block;
      listeners = getEventListeners(signal, 'abort').length;
    },
  });
  const stream = openRun(host.address);
  await once(stream.resume(), 'end');
  stream.end();
  assert.ok(listeners <= 1, `${listeners} listeners are left`);
});
