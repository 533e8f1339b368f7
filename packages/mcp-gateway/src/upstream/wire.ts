import type { Transport } from '@modelcontextprotocol/client';
import type { HostError, JsonObject } from '@modelhost/kernel';
import type { RpcAnswer, RpcId, RpcNotification, RpcRequest } from './rpc-message.ts';

/** Carries our own requests over one connection, past the SDK, which keeps the rest of the protocol. */
export interface Wire {
  /** Sends a request at once. What comes of it goes to the listener; nothing is ever sent twice. */
  send(request: OutgoingRequest, listener: RequestListener): SentRequest;
  /** Sends a notification; one that cannot be sent is of no account. */
  notify(method: string, params: JsonObject): void;
  /** Answers a request of the server. */
  answer(id: RpcId, answer: RpcAnswer): void;
}

/** A wire with what the owner of the connection needs. */
export interface OwnWire extends Wire {
  /** The SDK's side of the same connection. */
  readonly transport: Transport;
  /** From now on requests go out in this version of the protocol; comes once, after the negotiation. */
  adopt(negotiated: { readonly version: string; readonly isModern: boolean }): void;
  /** Why the connection ended by itself, if it did. */
  failure(): HostError | undefined;
  /** Once resolved, nothing of the connection is left. */
  close(): Promise<void>;
}

/** A request of ours. */
export interface OutgoingRequest {
  readonly method: string;
  readonly params: JsonObject;
  /** Its `_meta`, whole but for the progress token. */
  readonly meta: JsonObject;
  readonly wantsProgress: boolean;
  /** Go along over HTTP, and only there. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What comes of a request: one answer or one failure at the end, messages of the server before. */
export interface RequestListener {
  readonly onAnswer: (answer: RpcAnswer) => void;
  /** There is no answer, and none will come. It has the fact `sent` if the server may have got the request. */
  readonly onFailure: (failure: HostError) => void;
  /** A notification that belongs to this request for certain: its progress, or one on its own stream. */
  readonly onNotification: (notification: RpcNotification) => void;
  /** A request of the server that came on the stream of this one. */
  readonly onRequest: (request: RpcRequest) => void;
}

/** A request on its way. */
export interface SentRequest {
  /** Tells the server that nobody waits any more, and the listener nothing further. */
  cancel(reason: string): void;
}

/** Messages of the server that came with no request of ours. */
export interface StrayMessages {
  /** Says whether it was dealt with; the SDK gets the others. */
  readonly onStray: (message: RpcRequest | RpcNotification) => boolean;
  /** The connection broke by itself. */
  readonly onEnd: (failure: HostError | undefined) => void;
}

/** The text of a request, with its id as the progress token. */
export function toRequestText(id: number, request: OutgoingRequest): string {
  const { method, params, meta, wantsProgress } = request;
  const fullMeta = wantsProgress ? { ...meta, progressToken: id } : meta;
  const hasMeta = wantsProgress || Object.keys(meta).length > 0;
  const fullParams = hasMeta ? { ...params, _meta: fullMeta } : params;
  return JSON.stringify({ jsonrpc: '2.0', id, method, params: fullParams });
}

/** The text of an answer to a request of the server. */
export function toAnswerText(id: RpcId, answer: RpcAnswer): string {
  const outcome = answer.kind === 'result' ? { result: answer.result } : { error: answer.error };
  return JSON.stringify({ jsonrpc: '2.0', id, ...outcome });
}
