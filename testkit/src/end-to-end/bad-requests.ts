import { toBinary, create } from '@bufbuild/protobuf';
import { StartRunRequestSchema } from '@modelhost/contracts';
import { acmeKey, eventsOf, failureOf, refused, specOf, textPart } from './bad-input-world.ts';
import type { Row, World } from './bad-input-world.ts';
import { callRaw } from './raw-call.ts';
import type { RunSpecInit } from '@modelhost/sdk';

const service = 'modelhost.v1.AgentService';
const authorization = `Bearer ${acmeKey}`;
const good = { type: 'text', deltas: 1 } as const;

function badSpec(title: string, changes: RunSpecInit, ...fields: readonly string[]): Row {
  return {
    title,
    act: ({ client }) => failureOf(client.startRun(specOf(good, changes))),
    expected: refused(...fields),
  };
}

function image(mediaType: string, data: Uint8Array): NonNullable<RunSpecInit['input']>[number] {
  return { part: { case: 'image', value: { mediaType, source: { case: 'data', value: data } } } };
}

const remoteSchema = JSON.stringify({ $ref: 'https://example.com/schema.json' });
const objectSchema = '{"type":"object"}';

/** Specs that break a bound of the contract. */
export const badSpecs: readonly Row[] = [
  badSpec('no agent', { agent: '' }, 'spec.agent'),
  badSpec('an agent that there is not', { agent: 'nobody' }, 'spec.agent'),
  badSpec('no input', { input: [] }, 'spec.input'),
  badSpec('a part without content', { input: [{}] }, 'spec.input[0]'),
  badSpec('an empty text', { input: [textPart('')] }, 'spec.input[0].text.text'),
  badSpec('65 parts', { input: Array.from({ length: 65 }, () => textPart('a')) }, 'spec.input'),
  badSpec(
    'an image that is none, and without data',
    { input: [image('text/html', Buffer.of())] },
    'spec.input[0].image.media_type',
    'spec.input[0].image.data',
  ),
  badSpec('a schema that is no JSON', { answerSchemaJson: '{"type":' }, 'spec.answer_schema_json'),
  badSpec(
    'a schema with an unknown type',
    { answerSchemaJson: '{"type":"text"}' },
    'spec.answer_schema_json',
  ),
  badSpec(
    'a schema on another machine',
    { answerSchemaJson: remoteSchema },
    'spec.answer_schema_json',
  ),
  badSpec(
    'a client tool named like one of a server',
    { clientTools: [{ name: 'files__read', inputSchemaJson: objectSchema }] },
    'spec.client_tools[0].name',
  ),
  badSpec(
    'two client tools of one name, the second without a schema',
    { clientTools: [{ name: 'ask', inputSchemaJson: objectSchema }, { name: 'ask' }] },
    'spec.client_tools[1].name',
    'spec.client_tools[1].input_schema_json',
  ),
  badSpec(
    'a temperature that burns',
    { sampling: { temperature: 3 } },
    'spec.sampling.temperature',
  ),
  badSpec('a budget of no token', { budget: { maxTokens: 0n } }, 'spec.budget.max_tokens'),
  badSpec('a request id with a line break', { requestId: 'a\nb' }, 'spec.request_id'),
];

/** Requests that are wrong in another way than by their spec. */
export const badRequests: readonly Row[] = [
  {
    title: 'a request without a spec',
    act: ({ host }) =>
      callRaw({ address: host.grpcAddress, method: `${service}/StartRun`, authorization }),
    expected: refused('spec'),
  },
  {
    title: 'a page of 201 runs',
    act: ({ client }) => failureOf(client.listRuns({ pageSize: 201 })),
    expected: refused('page_size'),
  },
  {
    title: 'a page token of somebody else',
    act: ({ client }) => failureOf(client.listRuns({ pageToken: 'made up' })),
    expected: refused('page_token'),
  },
  {
    title: 'events after a negative one',
    act: ({ client }) => failureOf(drain(client.followRun('run_x', { afterSequence: -1n }))),
    expected: refused('after_sequence'),
  },
  {
    title: 'a run that there is not',
    act: ({ client }) => failureOf(client.getRun('run_x')),
    expected: { status: 'NOT_FOUND', reason: 'not_found', facts: {}, fields: [] },
  },
  {
    title: 'a run of another tenant',
    act: async ({ client, stranger }) => {
      const { runId } = await client.startRun(specOf(good));
      return await failureOf(stranger.getRun(runId));
    },
    expected: { status: 'NOT_FOUND', reason: 'not_found', facts: {}, fields: [] },
  },
  {
    title: 'the id of a request with another spec',
    act: async ({ client }) => {
      await client.startRun(specOf(good, { requestId: 'once' }));
      return await failureOf(
        client.startRun(specOf({ type: 'text', deltas: 2 }, { requestId: 'once' })),
      );
    },
    expected: { status: 'ALREADY_EXISTS', reason: 'request_conflict', facts: {}, fields: [] },
  },
  {
    title: 'an input that policy refuses',
    act: ({ client }) => failureOf(client.startRun(specOf(good, { agent: 'forbidden' }))),
    expected: {
      status: 'PERMISSION_DENIED',
      reason: 'policy_violation',
      facts: { action: 'AcceptInput', rule: 'no-input' },
      fields: [],
    },
  },
  {
    title: 'a second answer to an approval',
    act: resolveTwice,
    expected: {
      status: 'FAILED_PRECONDITION',
      reason: 'failed_precondition',
      facts: {},
      fields: [],
    },
  },
  {
    title: 'a result for a tool that nobody asked for',
    act: async ({ client }) => {
      const { runId } = await client.startRun(specOf(good));
      return await failureOf(client.submitToolResult({ runId, callId: 'call-0', content: 'a' }));
    },
    expected: {
      status: 'FAILED_PRECONDITION',
      reason: 'failed_precondition',
      facts: {},
      fields: [],
    },
  },
];

async function resolveTwice({ client }: World): Promise<object> {
  const calls = [{ name: 'tools__held', arguments: '{"text":"a"}' }];
  for await (const { event } of client.run(specOf({ type: 'calls', calls }))) {
    if (event.case !== 'approvalRequested') continue;
    const { runs } = await client.listRuns({ pageSize: 1 });
    const answer = {
      runId: runs[0]?.runId ?? '',
      approvalId: event.value.approvalId,
      approved: true,
    };
    await client.resolveApproval(answer);
    return await failureOf(client.resolveApproval({ ...answer, approved: false }));
  }
  throw new Error('no approval was asked for');
}

/** What does not even look like a call. */
export const badCalls: readonly Row[] = [
  {
    title: 'bytes that are no message',
    act: ({ host }) =>
      callRaw({
        address: host.grpcAddress,
        method: `${service}/StartRun`,
        authorization,
        bytes: Buffer.from('ffffffffff', 'hex'),
      }),
    expected: { status: 'INVALID_ARGUMENT', reason: 'validation_failed', facts: {}, fields: [] },
  },
  {
    title: 'a message larger than 8 MiB',
    act: ({ host }) =>
      callRaw({
        address: host.grpcAddress,
        method: `${service}/StartRun`,
        authorization,
        bytes: Buffer.alloc(8 * 1_048_576 + 1),
      }),
    expected: { status: 'RESOURCE_EXHAUSTED' },
  },
  {
    title: 'a method that there is not',
    act: ({ host }) =>
      callRaw({ address: host.grpcAddress, method: `${service}/DropRuns`, authorization }),
    expected: { status: 'UNIMPLEMENTED' },
  },
  {
    title: 'no API key',
    act: ({ host }) => callRaw({ address: host.grpcAddress, method: `${service}/ListAgents` }),
    expected: { status: 'UNAUTHENTICATED', reason: 'unauthenticated', facts: {}, fields: [] },
  },
  {
    title: 'an API key that nobody has',
    act: ({ host }) =>
      callRaw({
        address: host.grpcAddress,
        method: `${service}/ListAgents`,
        authorization: `${authorization}x`,
      }),
    expected: { status: 'UNAUTHENTICATED', reason: 'unauthenticated', facts: {}, fields: [] },
  },
  {
    title: 'a deadline that passes while a run streams',
    act: async (world) => {
      const spec = specOf({ type: 'silent', id: 'deadline' });
      const failure = callRaw({
        address: world.host.grpcAddress,
        method: `${service}/Run`,
        authorization,
        bytes: toBinary(StartRunRequestSchema, create(StartRunRequestSchema, { spec })),
        deadlineMs: 2_000,
        isStream: true,
      });
      const held = await world.mock.held('deadline');
      // The run is cancelled with its call, and the provider's connection with the run.
      await held.closed;
      return await failure;
    },
    expected: { status: 'DEADLINE_EXCEEDED' },
  },
  {
    title: 'a deadline that passes while an answer is made',
    act: ({ strictHost }) =>
      callRaw({
        address: strictHost.grpcAddress,
        method: 'modelhost.v1.SystemService/GetStatus',
        deadlineMs: 100,
      }),
    expected: { status: 'DEADLINE_EXCEEDED' },
  },
  {
    title: 'a call that takes longer than the request timeout',
    act: ({ strictHost }) =>
      callRaw({
        address: strictHost.grpcAddress,
        method: 'modelhost.v1.SystemService/GetStatus',
      }),
    expected: {
      status: 'DEADLINE_EXCEEDED',
      reason: 'deadline_exceeded',
      facts: { timeout_ms: '500' },
      fields: [],
    },
  },
];

async function drain(events: AsyncIterable<unknown>): Promise<void> {
  const iterator = events[Symbol.asyncIterator]();
  // One after the other, as they come.
  while ((await iterator.next()).done !== true); // oxlint-disable-line no-await-in-loop
}

/** A run that goes well, whatever came before it. */
export async function goodRun(world: World): Promise<string> {
  const last = (await eventsOf(world, specOf(good))).at(-1);
  return last?.case === 'runFinished' ? (last.value.result?.answer ?? '') : '';
}
