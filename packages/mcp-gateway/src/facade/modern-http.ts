import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { JsonObject, Principal } from '@modelhost/kernel';
import type { RpcError } from '../relay.ts';
import type { FacadeCaller, FacadeCore, FacadeIo, FacadeOutcome } from './core-types.ts';
import { acceptsEvents } from './http/media-types.ts';
import { readRpcMessage } from './http/rpc-message.ts';
import type { RpcId } from './http/rpc-message.ts';
import { readEnvelope, toCaller, unsupportedVersion } from './modern-envelope.ts';
import type { ModernEnvelope } from './modern-envelope.ts';
import { paramMismatch, routeMismatch, versionMismatch } from './modern-headers.ts';
import { listenOverHttp } from './modern-listen.ts';
import { toAnswerText, toErrorText } from './modern-messages.ts';
import { createModernResponse, sendText } from './modern-response.ts';
import type { ModernResponse } from './modern-response.ts';
import { methodNotFound, rpcCodes } from './rpc-errors.ts';

/** A POST of a client of 2026-07-28. */
export interface ModernPost {
  /** Parsed; the body of the POST. */
  readonly message: JsonObject;
  readonly headers: IncomingHttpHeaders;
  readonly principal: Principal;
}

interface ModernRequest {
  readonly id: RpcId;
  readonly method: string;
  readonly params: JsonObject;
}

const listen = 'subscriptions/listen';
/** What may take long: only here is it worth to notice that the client is gone. */
const waiting: ReadonlySet<string> = new Set([
  'tools/call',
  'prompts/get',
  'resources/read',
  'completion/complete',
]);
const notAcceptable: RpcError = {
  code: rpcCodes.invalidRequest,
  message: 'Accept must allow text/event-stream',
};
const never = new AbortController().signal;

/**
 * Answers one POST: with JSON when there is nothing to tell before the result, else with a stream of events. The end of
 * the response is the end of the request; when the client closes it first, the upstream is told to stop. Never throws.
 */
export async function answerModern(
  core: FacadeCore,
  post: ModernPost,
  response: ServerResponse,
): Promise<void> {
  const { headers, principal } = post;
  const message = readRpcMessage(post.message);
  if (message === undefined) {
    return sendError(response, 400, undefined, {
      code: rpcCodes.invalidRequest,
      message: 'Invalid request',
    });
  }
  // Nothing that a client tells without asking has a meaning here: to cancel is to close the response.
  if (message.kind !== 'request') return acknowledge(response);
  const { id, method, params } = message;
  const envelope = readEnvelope(params);
  if ('error' in envelope) return sendError(response, 400, id, envelope.error);
  const refusal =
    versionMismatch(headers, envelope.version) ??
    unsupportedVersion(envelope.version) ??
    routeMismatch(headers, method, params);
  if (refusal !== undefined) return sendError(response, 400, id, refusal);
  const caller = toCaller(envelope, principal);
  if (method === listen) {
    if (!acceptsEvents(headers.accept)) return sendError(response, 406, id, notAcceptable);
    return listenOverHttp(core, { id, params, caller }, response);
  }
  if (!core.isMethod(method, 'modern')) return sendError(response, 404, id, methodNotFound(method));
  const wrong = method === 'tools/call' ? checkParamHeaders(core, caller, post, params) : undefined;
  if (wrong !== undefined) return sendError(response, 400, id, wrong);
  await answer(
    core,
    { id, method, params },
    { caller, envelope, response, accept: headers.accept },
  );
}

async function answer(
  core: FacadeCore,
  { id, method, params }: ModernRequest,
  context: {
    readonly caller: FacadeCaller;
    readonly envelope: ModernEnvelope;
    readonly response: ServerResponse;
    readonly accept: string | undefined;
  },
): Promise<void> {
  const { caller, envelope, response, accept } = context;
  if (!waiting.has(method)) {
    const io = { signal: never, meta: envelope.meta };
    return sendOutcome(core, id, await core.handle({ method, params }, caller, io), response);
  }
  const out = createModernResponse(response, accept);
  const outcome = await core.handle({ method, params }, caller, createIo(envelope, out));
  out.end(toAnswerText(id, outcome, core.serverInfo), statusOf(outcome));
}

function createIo(
  { meta, logLevel, progressToken }: ModernEnvelope,
  out: ModernResponse,
): FacadeIo {
  return {
    signal: out.signal,
    meta,
    ...(progressToken === undefined
      ? {}
      : {
          onProgress: (params) =>
            out.notify('notifications/progress', { ...params, progressToken }),
        }),
    ...(logLevel === undefined
      ? {}
      : { logLevel, onLog: (params) => out.notify('notifications/message', params) }),
  };
}

function checkParamHeaders(
  core: FacadeCore,
  caller: FacadeCaller,
  { headers }: ModernPost,
  { name, arguments: values }: JsonObject,
): RpcError | undefined {
  if (typeof name !== 'string') return undefined;
  const declared = core.paramHeaders(caller, name);
  return declared.length === 0 ? undefined : paramMismatch(headers, declared, values);
}

function sendOutcome(
  core: FacadeCore,
  id: RpcId,
  outcome: FacadeOutcome,
  response: ServerResponse,
): void {
  sendText(response, statusOf(outcome), toAnswerText(id, outcome, core.serverInfo));
}

/** Errors of a request that was served are no failures of HTTP, but for the one whose status MCP names. */
function statusOf(outcome: FacadeOutcome): number {
  return outcome.kind === 'error' && outcome.error.code === rpcCodes.missingCapability ? 400 : 200;
}

function sendError(
  response: ServerResponse,
  status: number,
  id: RpcId | undefined,
  error: RpcError,
): void {
  sendText(response, status, toErrorText(id, error));
}

function acknowledge(response: ServerResponse): void {
  response.writeHead(202, { 'content-length': 0 });
  response.end();
}
