import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import type { DescMethod } from '@bufbuild/protobuf';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import {
  AgentService,
  Health,
  InputAction,
  PolicyService,
  SystemService,
  ToolService,
} from '@modelhost/contracts';
import { next, watch } from './fixtures/run-watch.ts';
import { keys, startTestHost, task } from './fixtures/started-host.ts';

const started = await startTestHost();
const raw = new Client(started.host.grpcAddress, credentials.createInsecure());
after(async () => {
  raw.close();
  await started[Symbol.asyncDispose]();
});
const methods = [AgentService, ToolService, PolicyService, SystemService].flatMap(
  (service) => service.methods,
);

/** What a call of any method ends with. */
async function call(
  method: DescMethod,
  request: Record<string, unknown>,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly code: number; readonly details: string; readonly more: string }> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const path = `/${method.parent.typeName}/${method.name}`;
  const bytes = Buffer.from(toBinary(method.input, create(method.input, request)));
  const same = (value: Buffer): Buffer => value;
  const { promise, resolve } = Promise.withResolvers<ServiceError | null>();
  if (method.methodKind === 'unary') {
    raw.makeUnaryRequest(path, same, same, bytes, metadata, (error) => resolve(error));
  } else {
    raw
      .makeServerStreamRequest(path, same, same, bytes, metadata)
      .on('error', (error: ServiceError) => resolve(error))
      .on('end', () => resolve(null))
      .resume();
  }
  const error = await promise;
  const more = String(error?.metadata.get('grpc-status-details-bin')[0] ?? '');
  return { code: error?.code ?? status.OK, details: error?.details ?? '', more };
}

test('every method of every service needs a key, whatever other headers say', async () => {
  assert.ok(methods.length >= 12);
  for (const method of methods) {
    for (const headers of [
      {},
      { authorization: 'Bearer mh_none_none' },
      { 'x-forwarded-for': '127.0.0.1', 'x-tenant': 'acme', 'x-api-key': keys.alice.key },
    ]) {
      const { code } = await call(method, {}, headers);
      assert.equal(code, status.UNAUTHENTICATED, method.name);
    }
    const { code } = await call(method, {}, { authorization: `Bearer ${keys.alice.key}` });
    assert.notEqual(code, status.UNAUTHENTICATED, method.name);
  }
});

test('ids of another tenant are as absent as ids that never were', async () => {
  const alice = started.connect();
  const { runId } = await alice.startRun(task('pay'));
  const { approvalId, callId } = await next(watch(alice.followRun(runId)), 'approvalRequested');
  const absent = `run_${'0'.repeat(26)}`;
  const withRun = methods.filter(({ input }) => input.fields.some(({ name }) => name === 'run_id'));
  assert.equal(withRun.length, 8);
  const answer = { approvalId, callId, inputId: 'inp_0', action: InputAction.DECLINE };
  const ids = { ...answer, atStep: 'turn-1/model' };
  const headers = { authorization: `Bearer ${keys.carol.key}` };
  for (const method of withRun) {
    const [theirs, none] = [
      await call(method, { runId, ...ids }, headers),
      await call(method, { runId: absent, ...ids }, headers),
    ];
    assert.equal(theirs.code, status.NOT_FOUND, method.name);
    const hidden = (text: string): string => text.replaceAll(runId, absent);
    assert.deepEqual(
      { ...theirs, details: hidden(theirs.details), more: hidden(theirs.more) },
      none,
      method.name,
    );
  }
  const carol = started.connect(keys.carol.key);
  assert.deepEqual((await carol.listRuns()).runs, []);
  await alice.cancelRun(runId);
});

test('health and reflection need no key', async () => {
  const check = Health.methods.find(({ name }) => name === 'Check') ?? assert.fail();
  for (const service of ['', AgentService.typeName, ToolService.typeName]) {
    assert.equal((await call(check, { service }, {})).code, status.OK);
  }
  const stream = raw.makeBidiStreamRequest(
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => bytes,
  );
  // ServerReflectionRequest.list_services = "" (field 7).
  stream.write(Buffer.from([0x3a, 0x00]));
  stream.end();
  let answer = '';
  for await (const bytes of stream) answer += String(bytes);
  for (const { typeName } of [AgentService, ToolService, PolicyService, SystemService, Health]) {
    assert.ok(answer.includes(typeName), typeName);
  }
});

test('a host without keys knows whoever calls as the local principal', async () => {
  await using open = await startTestHost({ isOpen: true });
  const { runId } = await open.connect('').startRun(task('answer'));
  assert.equal((await open.connect().getRun(runId)).subject, 'local');
});
