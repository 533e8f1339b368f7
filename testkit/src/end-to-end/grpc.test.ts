import assert from 'node:assert/strict';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { fromBinary } from '@bufbuild/protobuf';
import { BadRequestSchema, ErrorInfoSchema } from '@modelhost/contracts';
import { createModelHostClient } from '@modelhost/sdk';
import { bufCurl } from './buf-curl.ts';
import type { BufCall, BufResult, JsonMessage } from './buf-curl.ts';
import { createSetup } from './host-setup.ts';
import { startMockProvider } from './mock-provider.ts';
import type { MockAnswer, MockProvider } from './mock-provider.ts';
import { startHost } from './start-host.ts';
import { toolsReady } from './tools-ready.ts';
import type { HostProcess } from './start-host.ts';

interface World {
  readonly mock: MockProvider;
  readonly host: HostProcess;
  /** Starts `buf curl` for a method of the agent service. */
  call(t: TestContext, method: string, data: object): BufCall;
  /** The same, when it has ended. */
  result(t: TestContext, method: string, data: object): Promise<BufResult>;
}

async function startWorld(t: TestContext): Promise<World> {
  const mock = await startMockProvider(t);
  const host = await startHost(t, createSetup({ providerUrl: mock.url, logLevel: 'debug' }));
  const address = host.grpcAddress;
  const client = createModelHostClient({ address });
  await toolsReady(client, 'tools').finally(() => client.close());

  function call(subtest: TestContext, method: string, data: object): BufCall {
    const target = { address, method: `modelhost.v1.AgentService/${method}`, data };
    return bufCurl(subtest, target);
  }

  return {
    mock,
    host,
    call,
    result: async (subtest, method, data) => await call(subtest, method, data).ended,
  };
}

function runOf(answer: MockAnswer): { readonly spec: object } {
  return { spec: { agent: 'worker', input: [{ text: { text: JSON.stringify(answer) } }] } };
}

/** A member of a message, as deep as the names go. */
function read(message: JsonMessage | undefined, ...names: readonly string[]): unknown {
  let value: unknown = message;
  // Protobuf's JSON is objects within objects.
  for (const name of names) value = (value as JsonMessage | undefined)?.[name];
  return value;
}

function hasEvent(name: string): (message: JsonMessage) => boolean {
  return (message) => read(message, 'event', name) !== undefined;
}

test('buf curl, which knows nothing of the contract', async (t) => {
  const world = await startWorld(t);
  const address = world.host.grpcAddress;

  await t.test('lists the services and describes them by reflection', async (s) => {
    const listed = await bufCurl(s, { address }, ['--list-services']).ended;
    assert.deepEqual(listed.stdout.trim().split('\n').toSorted(), [
      'grpc.health.v1.Health',
      'modelhost.v1.AgentService',
      'modelhost.v1.PolicyService',
      'modelhost.v1.SessionService',
      'modelhost.v1.SystemService',
      'modelhost.v1.ToolService',
    ]);
    const methods = await bufCurl(s, { address }, ['--list-methods']).ended;
    assert.match(methods.stdout, /^modelhost\.v1\.AgentService\/Run$/m);
    assert.match(methods.stdout, /^modelhost\.v1\.AgentService\/SubmitToolResult$/m);
  });

  await t.test('checks the health of the host and of a service', async (s) => {
    for (const service of ['', 'modelhost.v1.AgentService']) {
      const target = { address, method: 'grpc.health.v1.Health/Check', data: { service } };
      // One after the other: each is a process.
      const { messages } = await bufCurl(s, target).ended; // oxlint-disable-line no-await-in-loop
      assert.deepEqual(messages, [{ status: 'SERVING' }]);
    }
  });

  await t.test('starts a run and reads it', async (s) => {
    const started = await world.result(s, 'StartRun', runOf({ type: 'text', deltas: 1 }));
    assert.equal(started.code, 0, started.stderr);
    assert.equal(started.messages[0]?.['created'], true);
    const runId = started.messages[0]?.['runId'];
    const followed = await world.result(s, 'FollowRun', { runId, afterSequence: '1' });
    assert.equal(read(followed.messages[0], 'event', 'sequence'), '2');
    const { messages } = await world.result(s, 'GetRun', { runId });
    assert.equal(read(messages[0], 'run', 'result', 'answer'), 'word ');
  });

  await t.test('streams a run from the first event to the last', async (s) => {
    const { messages, code } = await world.result(s, 'Run', runOf({ type: 'text', deltas: 3 }));
    assert.equal(code, 0);
    const sequences = messages.map((message) => Number(read(message, 'event', 'sequence')));
    assert.deepEqual(
      sequences,
      sequences.map((_, index) => index + 1),
    );
    assert.ok(hasEvent('runStarted')(messages[0] ?? {}));
    const texts = messages.map((message) => read(message, 'event', 'textDelta', 'text'));
    assert.equal(texts.filter((text) => typeof text === 'string').join(''), 'word word word ');
    const result = read(messages.at(-1), 'event', 'runFinished', 'result');
    assert.partialDeepStrictEqual(result, {
      reason: 'RUN_END_REASON_COMPLETED',
      answer: 'word word word ',
      statistics: { modelCalls: 1, inputTokens: '10', outputTokens: '5' },
    });
  });

  await t.test('is told by the details of an error what is wrong with a request', async (s) => {
    const { code, stderr } = await world.result(s, 'Run', { spec: { agent: 'nobody' } });
    // buf's exit code is 8 times the number of the gRPC status.
    assert.equal(code, 8 * 3);
    // buf prints the details as base64.
    const error = JSON.parse(stderr) as {
      readonly code: string;
      readonly details: readonly { readonly type: string; readonly value: string }[];
    };
    const [info, badRequest] = error.details.map(({ value }) => Buffer.from(value, 'base64'));
    assert.equal(error.code, 'invalid_argument');
    assert.deepEqual(
      error.details.map(({ type }) => type),
      ['google.rpc.ErrorInfo', 'google.rpc.BadRequest'],
    );
    assert.partialDeepStrictEqual(fromBinary(ErrorInfoSchema, info ?? Buffer.of()), {
      reason: 'validation_failed',
      domain: 'modelhost',
      metadata: { field: 'spec.agent' },
    });
    const { fieldViolations } = fromBinary(BadRequestSchema, badRequest ?? Buffer.of());
    assert.deepEqual(
      fieldViolations.map(({ field }) => field),
      ['spec.agent', 'spec.input'],
    );
  });

  await t.test('cancels the request to the provider when it goes away from Run', async (s) => {
    const running = world.call(s, 'Run', runOf({ type: 'wait', id: 'left' }));
    const held = await world.mock.held('left');
    const { event } = await running.message(hasEvent('runStarted'));
    await running.message(hasEvent('textDelta'));
    running.kill();
    await held.closed;
    const runId = read({ event }, 'event', 'runStarted', 'runId');
    const { messages } = await world.result(s, 'FollowRun', { runId });
    assert.partialDeepStrictEqual(read(messages.at(-1), 'event', 'runFinished', 'result'), {
      reason: 'RUN_END_REASON_CANCELLED',
      cancelledBy: 'local',
    });
  });

  await t.test('cancels the request to the provider by CancelRun', async (s) => {
    const running = world.call(s, 'Run', runOf({ type: 'silent', id: 'cancelled' }));
    const held = await world.mock.held('cancelled');
    const started = await running.message(hasEvent('runStarted'));
    const runId = read(started, 'event', 'runStarted', 'runId');
    const { messages } = await world.result(s, 'CancelRun', { runId });
    assert.deepEqual(messages, [{ cancelled: true }]);
    await held.closed;
    const ended = await running.ended;
    assert.equal(ended.code, 0);
    assert.equal(
      read(ended.messages.at(-1), 'event', 'runFinished', 'result', 'reason'),
      'RUN_END_REASON_CANCELLED',
    );
    const again = await world.result(s, 'CancelRun', { runId });
    assert.deepEqual(again.messages, [{}]);
  });

  await t.test('cancels the tool call in flight when it goes away', async (s) => {
    const calls = [{ name: 'tools__wait', arguments: '{"text":"a"}' }];
    const running = world.call(s, 'Run', runOf({ type: 'calls', calls }));
    await world.host.logged('wait: called');
    running.kill();
    await world.host.logged('wait: cancelled');
  });
});
