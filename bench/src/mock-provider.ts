/** A model provider that costs next to nothing: OpenAI chat completions as SSE, every byte made beforehand. */
import { createServer, type Server, type ServerResponse } from 'node:http';

/** How an answer comes; it travels as the name of the model. */
export interface Pace {
  readonly tokens: number;
  /** Between tokens; 0 writes one token per turn of the event loop. */
  readonly intervalMs: number;
}

/** Name of the model that answers at this pace. */
export function modelName({ tokens, intervalMs }: Pace): string {
  return `mock-${tokens}-${intervalMs}`;
}

/** What a caller can watch. */
export interface MockProviderOptions {
  /** Called once for each answer when its connection is done with it; `isWhole` is false when the caller left early. */
  readonly onClose?: (isWhole: boolean) => void;
}

/** The server, not yet listening; its owner closes it. */
export function createMockProvider({ onClose }: MockProviderOptions = {}): Server {
  return createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    const body: Buffer[] = [];
    request.on('data', (chunk: Buffer) => body.push(chunk));
    request.on('end', () => {
      const pace = readPace(Buffer.concat(body).toString());
      if (pace === undefined) {
        response.writeHead(400).end('{"error":{"message":"the model is no pace"}}');
        return;
      }
      response.on('close', () => onClose?.(response.writableFinished));
      answer(response, pace);
    });
  });
}

function answer(response: ServerResponse, { tokens, intervalMs }: Pace): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  response.write(opening);
  let written = 0;
  const wait = (): void => {
    if (intervalMs > 0) setTimeout(next, intervalMs);
    else setImmediate(next);
  };
  const next = (): void => {
    if (response.destroyed) return;
    if (written === tokens) {
      response.end(ending(tokens));
      return;
    }
    const token = chunks[written % chunks.length];
    if (token !== undefined) response.write(token);
    written += 1;
    wait();
  };
  wait();
}

function readPace(body: string): Pace | undefined {
  const found = /"model"\s*:\s*"mock-(\d{1,6})-(\d{1,4})"/.exec(body);
  return found === null ? undefined : { tokens: Number(found[1]), intervalMs: Number(found[2]) };
}

const words = [' hello', ' the', ' quick', ' brown', ' fox', ' jumps', ' over', ' lazy', ' dogs'];
const chunks = words.map((content) => Buffer.from(event([choice({ content }, null)])));
const opening = Buffer.from(event([choice({ role: 'assistant', content: '' }, null)]));

function ending(tokens: number): string {
  const usage = { prompt_tokens: 10, completion_tokens: tokens, total_tokens: tokens + 10 };
  return `${event([choice({}, 'stop')])}${event([], usage)}data: [DONE]\n\n`;
}

function choice(delta: object, finishReason: string | null): object {
  return { index: 0, delta, logprobs: null, finish_reason: finishReason };
}

function event(choices: readonly object[], usage: object | null = null): string {
  const head = { id: 'chatcmpl-9xKq2W4E6R8T0V1XzAbCdEf', object: 'chat.completion.chunk' };
  const rest = { created: 1_795_000_000, model: 'mock', system_fingerprint: 'fp_44709d6fcb' };
  return `data: ${JSON.stringify({ ...head, ...rest, choices, usage })}\n\n`;
}
