import type { Clock, JsonObject } from '@modelhost/kernel';
import type { OutboundFetch } from '../outbound/outbound-fetch.ts';
import { requestOverHttp } from './http-request.ts';
import { toStandardHeaders } from './mcp-headers.ts';
import type { RpcAnswer, RpcMessage } from './rpc-message.ts';
import { toRequestText } from './wire.ts';
import type { OutgoingRequest } from './wire.ts';

/** Posts messages to one server, with the headers that its version of the protocol wants. */
export interface HttpSender {
  adopt(negotiated: { readonly version: string; readonly isModern: boolean }): void;
  isModern(): boolean;
  /** The answer; what comes before it on its stream goes to `onMessage`. */
  request(outgoing: OutgoingRequest, options: SendOptions): Promise<RpcAnswer>;
  /** Sends a message that has no answer. One that the server does not take is of no account. */
  post(body: string, method: string, params: JsonObject): void;
}

/** What goes with one request. */
export interface SendOptions {
  readonly id: number;
  readonly signal: AbortSignal;
  readonly onMessage: (message: RpcMessage) => void;
}

/** What a sender is made of. */
export interface HttpSenderOptions {
  readonly server: string;
  /** Sent with every request. */
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: OutboundFetch;
  readonly clock: Clock;
  /** Of the session before 2026-07-28. */
  readonly sessionId: () => string | undefined;
}

/** Knows no version until it adopts one. */
export function createHttpSender(options: HttpSenderOptions): HttpSender {
  const { fetch } = options;
  let version = '';
  let isModern = false;

  function adopt(negotiated: { readonly version: string; readonly isModern: boolean }): void {
    ({ version, isModern } = negotiated);
  }

  async function request(outgoing: OutgoingRequest, sending: SendOptions): Promise<RpcAnswer> {
    const { method, params } = outgoing;
    const headers = { ...headersFor(method, params), ...outgoing.headers };
    const body = toRequestText(sending.id, outgoing);
    return await requestOverHttp({ ...options, ...sending, body, headers, isModern });
  }

  function post(body: string, method: string, params: JsonObject): void {
    const headers = {
      ...headersFor(method, params),
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
    };
    const { signal } = new AbortController();
    // A server that does not take it lets its own request time out, which tells whoever waits.
    fetch.request({ method: 'POST', headers, body, signal }).catch(() => {});
  }

  function headersFor(method: string, params: JsonObject): Record<string, string> {
    if (isModern) return { ...options.headers, ...toStandardHeaders(version, method, params) };
    const sessionId = options.sessionId();
    const session = sessionId === undefined ? {} : { 'mcp-session-id': sessionId };
    return { ...options.headers, 'mcp-protocol-version': version, ...session };
  }

  return { adopt, isModern: () => isModern, request, post };
}
