/** The three ways to the same answer: straight from the provider, through the pipe, through the host. */
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  AgentService,
  RunEndReason,
  RunRequestSchema,
  type RunResponse,
  RunResponseSchema,
} from '@modelhost/contracts';
import type { Pool } from 'undici';
import type { Call, GrpcClient } from './grpc-client.ts';
import type { Target } from './load.ts';
import { modelName, type Pace } from './mock-provider.ts';
import { pipePath } from './pipe.ts';

/** Straight from the provider. */
export function directTarget(pool: Pool, pace: Pace): Target {
  const body = JSON.stringify({ model: modelName(pace), stream: true, messages: [] });
  return async () => {
    const watch = watchBytes();
    const { body: answer } = await pool.request({
      path: '/v1/chat/completions',
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    // A body of undici yields buffers.
    for await (const chunk of answer as AsyncIterable<Buffer>) watch.take(chunk);
    return { firstTokenMs: watch.end(), tokens: pace.tokens };
  };
}

/** Through the pipe. */
export function pipeTarget(client: GrpcClient, pace: Pace): Target {
  const path = pipePath(modelName(pace));
  return async () => {
    const watch = watchBytes();
    await client.call({ path, message: new Uint8Array(0), onMessage: watch.take });
    return { firstTokenMs: watch.end(), tokens: pace.tokens };
  };
}

/** Through the host: a run of an agent, as any caller would start it. */
export function hostTarget(client: GrpcClient, pace: Pace, apiKey: string): Target {
  const call = runCall(pace, apiKey);
  return async () => {
    const start = performance.now();
    let firstTokenMs: number | undefined;
    let last: Buffer | undefined;
    const onMessage = (bytes: Buffer): void => {
      last = bytes;
      // What comes after the first token is not decoded: the client must cost less than the host.
      if (firstTokenMs !== undefined) return;
      if (eventOf(bytes)?.case === 'textDelta') firstTokenMs = performance.now() - start;
    };
    await client.call({ ...call, onMessage });
    const end = last === undefined ? undefined : eventOf(last);
    const result = end?.case === 'runFinished' ? end.value.result : undefined;
    if (result?.reason !== RunEndReason.COMPLETED || firstTokenMs === undefined) {
      throw new Error(`a run ended with ${JSON.stringify(result?.error) ?? 'nothing'}`);
    }
    const tokens = Number(result.statistics?.outputTokens ?? 0n);
    if (tokens !== pace.tokens) throw new Error(`a run had ${tokens} tokens of ${pace.tokens}`);
    return { firstTokenMs, tokens };
  };
}

/** The call that starts and follows a run. */
export function runCall(pace: Pace, apiKey: string): Omit<Call, 'onMessage'> {
  const input = [{ part: { case: 'text', value: { text: 'Go.' } } } as const];
  const spec = { agent: modelName(pace), input };
  return {
    path: `/${AgentService.typeName}/${AgentService.method.run.name}`,
    message: toBinary(RunRequestSchema, create(RunRequestSchema, { spec })),
    headers: { authorization: `Bearer ${apiKey}` },
  };
}

function eventOf(bytes: Buffer): NonNullable<RunResponse['event']>['event'] | undefined {
  return fromBinary(RunResponseSchema, bytes).event?.event;
}

/** Watches the provider's own bytes go by. */
function watchBytes(): { readonly take: (bytes: Buffer) => void; readonly end: () => number } {
  const start = performance.now();
  let firstTokenMs: number | undefined;
  let tail = '';
  return {
    take(bytes) {
      if (firstTokenMs === undefined && bytes.includes('"content":" ')) {
        firstTokenMs = performance.now() - start;
      }
      tail = `${tail}${bytes.toString('latin1', Math.max(bytes.length - 32, 0))}`.slice(-32);
    },
    end() {
      if (firstTokenMs === undefined || !tail.endsWith('data: [DONE]\n\n')) {
        throw new Error('an answer was cut off');
      }
      return firstTokenMs;
    },
  };
}
