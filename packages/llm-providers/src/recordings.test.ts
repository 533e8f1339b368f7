import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { after, before, suite, test } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

import { HostError } from '@modelhost/kernel';
import type { LlmProvider, ModelEvent } from '@modelhost/kernel';
import fc from 'fast-check';

import { createBodyReader } from './answer-body.ts';
import type { AnswerReader, ReaderContext } from './answer-reader.ts';
import { createReader as createAnthropicReader } from './anthropic/reader.ts';
import { readProviderBounds } from './bounds.ts';
import { createReader as createGeminiReader } from './gemini/reader.ts';
import {
  createAnthropicProvider,
  createGeminiProvider,
  createOpenAiChatProvider,
  createOpenAiResponsesProvider,
} from './index.ts';
import { createReader as createChatReader } from './openai-chat/reader.ts';
import { createReader as createResponsesReader } from './openai-responses/reader.ts';
import { createProviderErrors } from './provider-errors.ts';
import { expectationOf } from './recordings-oracle.ts';
import type { Recording } from './recordings-oracle.ts';
import { requestOf } from './sample-requests.ts';
import { collect, never, serve, summarise } from './testing.ts';
import type { Collected, TestServer } from './testing.ts';

const apis = {
  'openai-chat': { createProvider: createOpenAiChatProvider, createReader: createChatReader },
  'openai-responses': {
    createProvider: createOpenAiResponsesProvider,
    createReader: createResponsesReader,
  },
  'anthropic-messages': {
    createProvider: createAnthropicProvider,
    createReader: createAnthropicReader,
  },
  google: { createProvider: createGeminiProvider, createReader: createGeminiReader },
} as const;

type ApiName = keyof typeof apis;
const apiNames: readonly ApiName[] = [
  'openai-chat',
  'openai-responses',
  'anthropic-messages',
  'google',
];

const sharedFolder = new URL('../../../../shared/data/provider-recordings/', import.meta.url);
const fixtures = readRecordings(new URL('fixtures/', import.meta.url));
const shared = existsSync(sharedFolder)
  ? apiNames.flatMap((api) => readRecordings(new URL(`${api}/`, sharedFolder)))
  : [];
const recordings = [...fixtures, ...shared];
const bounds = readProviderBounds(undefined);
const errors = createProviderErrors({ provider: 'recorded', secrets: [] });

function readRecordings(folder: URL): readonly Recording[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => {
      // The files are ours; the oracle and the adapters fail on any that is not of this shape.
      const recording = JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Recording;
      return recording;
    });
}

function apiOf({ api }: Recording): (typeof apis)[ApiName] {
  const name = apiNames.find((known) => known === api);
  assert.ok(name !== undefined, `unknown api ${api}`);
  return apis[name];
}

/** What came out in the words of the oracle. */
async function outcomeOf(answer: () => Promise<Collected>): Promise<unknown> {
  try {
    const { text, reasoning, calls, stats } = await answer();
    const { usage, finishReason } = stats;
    const parsed = calls.map((call) => ({
      name: call.name,
      arguments: JSON.parse(call.arguments) as unknown,
    }));
    return { kind: 'answer', text, reasoning, calls: parsed, usage, finishReason };
  } catch (error) {
    assert.ok(error instanceof HostError, String(error));
    return { kind: 'error', code: error.code, message: error.message, facts: error.facts };
  }
}

function assertExpected(outcome: unknown, recording: Recording): void {
  const expected = expectationOf(recording);
  if (expected.kind === 'answer') return assert.deepEqual(outcome, expected, recording.id);
  // The shape is what `outcomeOf` makes.
  const error = outcome as { kind: string; code: string; message: string; facts: object };
  assert.equal(error.kind, 'error', recording.id);
  assert.ok(error.message.includes(expected.message), `${recording.id}: ${error.message}`);
  assert.equal(
    error.code,
    expected.status === 429 ? 'provider_rate_limited' : 'provider_rejected',
    recording.id,
  );
  assert.deepEqual({ ...error.facts, status: String(expected.status) }, error.facts);
}

/** Runs a body through a reader without a network, cut at the given places. */
function readCut(recording: Recording, cuts: readonly number[]): Collected {
  const bytes = Buffer.from(recording.responseBody, 'utf8');
  const events: ModelEvent[] = [];
  const context: ReaderContext = { request: requestOf(), errors };
  const reader: AnswerReader = apiOf(recording).createReader(context);
  const body = createBodyReader({
    reader,
    bounds,
    errors,
    status: recording.status,
    header: (name) => (name === 'content-type' ? recording.contentType : undefined),
    emit: (emitted) => events.push(...emitted),
    fail: (error) => {
      throw error;
    },
  });
  for (const piece of cut(bytes, cuts)) body.onBytes(piece);
  body.onEnd();
  return summarise(events);
}

function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...cuts, bytes.length].map((at) => at % (bytes.length + 1)).sort((a, b) => a - b);
  let from = 0;
  return places.map((to) => {
    const piece = bytes.subarray(from, to);
    from = to;
    return piece;
  });
}

/** Where cuts hurt: inside characters, between CR and LF, between the two ends of an event. */
const delicate = /[^\p{ASCII}]|\r\n|\n\n/gu;

function delicateCuts(recording: Recording): readonly number[] {
  return [...recording.responseBody.matchAll(delicate)].flatMap(({ index }) => {
    const at = Buffer.byteLength(recording.responseBody.slice(0, index), 'utf8');
    return [at + 1, at + 2];
  });
}

const encodings: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  identity: (bytes) => bytes,
  gzip: (bytes) => gzipSync(bytes),
  deflate: (bytes) => deflateSync(bytes),
  'deflate without a wrapper': (bytes) => deflateRawSync(bytes),
  br: (bytes) => brotliCompressSync(bytes),
};

suite('recorded answers of providers', () => {
  let server: TestServer;
  const providers = new Map<string, LlmProvider>();
  let current: { recording: Recording; encoding: string; cuts: readonly number[] } | undefined;

  before(async () => {
    server = await serve(async (response) => {
      assert.ok(current !== undefined);
      const { recording, encoding, cuts } = current;
      const encode = encodings[encoding] ?? ((bytes) => bytes);
      response.writeHead(recording.status, {
        'content-type': recording.contentType,
        ...(encoding === 'identity' ? {} : { 'content-encoding': encoding.split(' ', 1)[0] }),
      });
      for (const piece of cut(encode(Buffer.from(recording.responseBody)), cuts)) {
        // Waiting for each write sends each piece on its own.
        await new Promise<void>((sent) => response.write(piece, () => sent()));
      }
      response.end();
    });
    for (const name of apiNames) {
      const options = { name, baseUrl: server.baseUrl, apiKey: 'key-for-tests' };
      providers.set(name, apis[name].createProvider(options));
    }
  });
  after(async () => {
    for (const provider of providers.values()) await provider.close();
    await server[Symbol.asyncDispose]();
  });

  async function assertServed(
    recording: Recording,
    encoding: string,
    cuts: readonly number[],
  ): Promise<void> {
    current = { recording, encoding, cuts };
    const provider = providers.get(recording.api);
    assert.ok(provider !== undefined);
    assertExpected(await outcomeOf(() => collect(provider.stream(requestOf(), never))), recording);
  }

  test('each fixture gives over HTTP what its body says', async () => {
    assert.equal(fixtures.length, 8);
    for (const recording of fixtures) await assertServed(recording, 'identity', []);
  });

  const absent = shared.length === 0 ? '../shared/data is not there' : false;
  test('each recording gives over HTTP what its body says', { skip: absent }, async () => {
    assert.ok(shared.length > 190);
    for (const recording of shared) await assertServed(recording, 'identity', []);
  });

  test('no way to cut or compress an answer on the wire changes it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...recordings),
        fc.constantFrom(...Object.keys(encodings)),
        fc.array(fc.nat(), { maxLength: 12 }),
        assertServed,
      ),
      { numRuns: 150 },
    );
  });

  test('no way to cut a body changes what a reader makes of it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...recordings.filter(({ status }) => status === 200)),
        fc.array(fc.nat(), { maxLength: 40 }),
        async (recording, cuts) => {
          assertExpected(await outcomeOf(async () => readCut(recording, cuts)), recording);
        },
      ),
      { numRuns: 400 },
    );
  });

  test('cuts inside characters and line ends do not change an answer', async () => {
    for (const recording of recordings.filter(({ status }) => status === 200)) {
      const cuts = delicateCuts(recording);
      assertExpected(await outcomeOf(async () => readCut(recording, cuts)), recording);
    }
  });

  test('a fixture cut in two at any byte is the same', async () => {
    for (const recording of fixtures.filter(({ status }) => status === 200)) {
      const length = Buffer.byteLength(recording.responseBody);
      for (let at = 0; at <= length; at += 1) {
        assertExpected(await outcomeOf(async () => readCut(recording, [at])), recording);
      }
    }
  });
});
