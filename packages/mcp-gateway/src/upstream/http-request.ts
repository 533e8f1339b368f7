import { HostError, parseJsonText } from '@modelhost/kernel';
import type { Clock } from '@modelhost/kernel';
import type { StreamEvent } from '../outbound/event-stream.ts';
import type { OutboundAnswer, OutboundFetch } from '../outbound/outbound-fetch.ts';
import { failed, refusedByHttp, toFailure, withFacts } from './failures.ts';
import { isNestedTooDeeply, readRpcMessage } from './rpc-message.ts';
import type { RpcAnswer, RpcMessage } from './rpc-message.ts';

/** A request as it goes out over HTTP. */
export interface HttpRequest {
  readonly server: string;
  readonly fetch: OutboundFetch;
  readonly clock: Clock;
  readonly id: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly isModern: boolean;
  /** Aborting it closes the stream; then nothing comes any more. */
  readonly signal: AbortSignal;
  /** Gets what comes before the answer. */
  readonly onMessage: (message: RpcMessage) => void;
}

/** Where a stream stands that may be taken up again. */
interface Position {
  lastEventId: string | undefined;
  retryMs: number;
  /** Since something was heard. */
  attempts: number;
}

const retryMsDefault = 1_000;
const retryMsMax = 30_000;
const attemptsMax = 8;
const refusalLengthMax = 1_000;
const accept = 'application/json, text/event-stream';

/** The answer to one request. It is posted once; only a stream with event ids is taken up again, as its server offers. */
export async function requestOverHttp(request: HttpRequest): Promise<RpcAnswer> {
  const { server, fetch, body, signal } = request;
  const headers = { ...request.headers, accept, 'content-type': 'application/json' };
  try {
    const answer = await fetch.request({ method: 'POST', headers, body, signal, timeoutMs: 0 });
    if (!isSuccess(answer.status)) return readRefusal(request, answer);
    if (answer.body.type === 'text') return readText(request, answer.body.text);
    const position: Position = { lastEventId: undefined, retryMs: retryMsDefault, attempts: 0 };
    return (
      (await readEvents(request, answer.body.events, position)) ?? (await takeUp(request, position))
    );
  } catch (cause) {
    throw toFailure(cause, { server, timeoutMs: 0, transportFailure: undefined });
  }
}

function isSuccess(status: number): boolean {
  return status >= 200 && status < 300;
}

function readText(request: HttpRequest, text: string): RpcAnswer {
  const messages = parse(text);
  // Before 2025-06-18 a server might answer with several messages at once.
  for (const message of Array.isArray(messages) ? messages : [messages]) {
    const answer = receive(request, message);
    if (answer !== undefined) return answer;
  }
  throw unreadable(request);
}

/** The answer, or undefined when the stream ends before it and may be taken up again. */
async function readEvents(
  request: HttpRequest,
  events: AsyncIterable<StreamEvent>,
  position: Position,
): Promise<RpcAnswer | undefined> {
  try {
    for await (const { event, data, id, retryMs } of events) {
      if (id !== undefined) Object.assign(position, { lastEventId: id, attempts: 0 });
      if (retryMs !== undefined) position.retryMs = Math.min(retryMs, retryMsMax);
      if (data === '' || event !== 'message') continue;
      const answer = receive(request, parse(data));
      if (answer !== undefined) return answer;
    }
  } catch (cause) {
    const isBroken = cause instanceof HostError && cause.code === 'mcp_connection_failed';
    if (!isBroken || !isResumable(request, position)) throw cause;
  }
  if (isResumable(request, position)) return undefined;
  throw failed('mcp_connection_failed', request.server, 'its stream ended without an answer', {
    facts: { sent: 'true' },
  });
}

function isResumable({ isModern, signal }: HttpRequest, { lastEventId }: Position): boolean {
  return !isModern && !signal.aborted && lastEventId !== undefined;
}

async function takeUp(request: HttpRequest, position: Position): Promise<RpcAnswer> {
  const { fetch, clock, signal } = request;
  while (position.attempts < attemptsMax) {
    position.attempts += 1;
    const headers = {
      ...request.headers,
      accept: 'text/event-stream',
      'last-event-id': position.lastEventId ?? '',
    };
    // Each attempt follows the one before it.
    await pause(clock, position.retryMs, signal); // oxlint-disable-line no-await-in-loop
    const opened = await fetch.request({ method: 'GET', headers, signal, timeoutMs: 0 }); // oxlint-disable-line no-await-in-loop
    if (opened.body.type === 'text' || !isSuccess(opened.status)) break;
    const answer = await readEvents(request, opened.body.events, position); // oxlint-disable-line no-await-in-loop
    if (answer !== undefined) return answer;
  }
  const reason = 'its stream broke and could not be taken up again';
  throw failed('mcp_connection_failed', request.server, reason, { facts: { sent: 'true' } });
}

async function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  const over = Promise.withResolvers<void>();
  const stop = clock.setTimer(delayMs, over.resolve);
  const onAbort = (): void => over.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    await over.promise;
  } finally {
    stop();
    signal.removeEventListener('abort', onAbort);
  }
}

/** Gives the message on, unless it is the answer. */
function receive(request: HttpRequest, value: unknown): RpcAnswer | undefined {
  const message = readRpcMessage(value);
  if (message === undefined) throw unreadable(request);
  if (message.type === 'answer' && message.id === request.id) return message.answer;
  request.onMessage(message);
  return undefined;
}

/** A server may say in a refusal what it refuses, or that it knows nothing of us any more. */
function readRefusal(request: HttpRequest, { status, body }: OutboundAnswer): RpcAnswer {
  const { server, isModern, headers } = request;
  const text = body.type === 'text' ? body.text : '';
  const refusal = refusedByHttp(server, status);
  if (status === 401 || status === 403) throw refusal;
  const message = readRpcMessage(tryParse(text));
  const answer = message?.type === 'answer' ? message : undefined;
  if (isModern) {
    if (answer !== undefined && (answer.id === request.id || answer.id === undefined)) {
      return answer.answer;
    }
    if (status < 500) throw withFacts(refusal, { era_lost: 'true', session_lost: 'true' });
  } else if (isSessionLost(status, text, headers['mcp-session-id'])) {
    throw withFacts(refusal, { session_lost: 'true' });
  }
  if (answer?.id === request.id) return answer.answer;
  throw withFacts(refusal, { sent: 'true' });
}

/** 404 is what the protocol wants for a session that is unknown; many servers answer 400 and say it in words. */
function isSessionLost(status: number, text: string, sessionId: string | undefined): boolean {
  if (status === 404) return sessionId !== undefined || /session/i.test(text);
  return status === 400 && /session|not initialized/i.test(text.slice(0, refusalLengthMax));
}

function parse(text: string): unknown {
  const value = parseJsonText(text);
  if (isNestedTooDeeply(value, text.length)) throw new SyntaxError('nested too deeply');
  return value;
}

function tryParse(text: string): unknown {
  try {
    return parse(text);
  } catch {
    return undefined;
  }
}

function unreadable({ server }: HttpRequest): HostError {
  const facts = { sent: 'true' };
  return failed('mcp_protocol_error', server, 'its answer is not of the protocol', { facts });
}
