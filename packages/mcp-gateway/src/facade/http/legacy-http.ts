import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '@modelhost/kernel';
import { HostError } from '@modelhost/kernel';
import type { FacadeCore } from '../core-types.ts';
import { sendEmpty, sendRefusal } from './http-answers.ts';
import { createHttpSession } from './http-session.ts';
import type { HttpSession, HttpSessionBounds } from './http-session.ts';
import type { LegacySessionBounds } from './legacy-session.ts';
import { legacyVersions, versionWithoutHeader } from './legacy-versions.ts';
import { acceptsEvents } from './media-types.ts';
import { retryAfter } from './protected-resource.ts';
import type { RpcMessage } from './rpc-message.ts';
import type { SessionOwner, SessionStore } from './session-store.ts';

/** A request of a client before 2026-07-28 that was let in. */
export interface LegacyRequest {
  readonly core: FacadeCore;
  readonly owner: SessionOwner;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** The three HTTP methods of the protocols with sessions. */
export interface LegacyHttp {
  post(message: RpcMessage, request: LegacyRequest): void;
  listen(request: LegacyRequest): void;
  endSession(request: LegacyRequest): void;
}

/** What they need. */
export interface LegacyHttpOptions {
  readonly store: SessionStore;
  readonly clock: Clock;
  readonly bounds: HttpSessionBounds;
  readonly sessionBounds?: Partial<LegacySessionBounds>;
  /** Whether requests without a session are refused, or answered each by itself, as a server without sessions does. */
  readonly areSessionsRequired: boolean;
}

/** Serves the protocols up to 2025-11-25 over HTTP. An absent session and one of somebody else look the same. */
export function createLegacyHttp(options: LegacyHttpOptions): LegacyHttp {
  const { store, clock, bounds, areSessionsRequired } = options;

  /** The session that the request names; otherwise it is answered here. */
  function sessionOf({ owner, request, response }: LegacyRequest): HttpSession | undefined {
    const id = request.headers['mcp-session-id'];
    if (typeof id !== 'string') {
      sendRefusal(response, 400, 'the Mcp-Session-Id header is missing; begin with initialize');
      return undefined;
    }
    const session = store.find(id, owner);
    if (session === undefined) {
      sendRefusal(response, 404, 'there is no such session; begin a new one with initialize');
    }
    return session;
  }

  function begin(message: RpcMessage, { core, owner, response }: LegacyRequest): void {
    try {
      const session = store.create(core, owner);
      session.post(message, response);
      if (!session.isOpen()) store.remove(session);
    } catch (thrown) {
      if (!(thrown instanceof HostError)) throw thrown;
      sendRefusal(response, 429, thrown.message, { headers: retryAfter(thrown.retryAfterMs) });
    }
  }

  function answerAlone(
    message: RpcMessage,
    { core, owner, request, response }: LegacyRequest,
  ): void {
    const version = versionOf(request) ?? versionWithoutHeader;
    const session = createHttpSession({
      id: 'alone',
      core,
      principal: owner.principal,
      clock,
      bounds,
      agreed: { version },
      ...(options.sessionBounds === undefined ? {} : { sessionBounds: options.sessionBounds }),
    });
    response.once('close', () => session.close());
    session.post(message, response);
  }

  function post(message: RpcMessage, legacy: LegacyRequest): void {
    const { request, response } = legacy;
    if (isRefused(request, response)) return;
    const isBegin = message.kind === 'request' && message.method === 'initialize';
    const hasSession = request.headers['mcp-session-id'] !== undefined;
    if (isBegin && !hasSession) return begin(message, legacy);
    if (!hasSession && !areSessionsRequired) return answerAlone(message, legacy);
    sessionOf(legacy)?.post(message, response);
  }

  function listen(legacy: LegacyRequest): void {
    const { request, response } = legacy;
    if (!isVersionKnown(request)) return refuseVersion(response);
    const session = sessionOf(legacy);
    if (session === undefined) return;
    const lastEventId = request.headers['last-event-id'];
    if (session.listen(response, lastEventId?.toString())) return;
    sendRefusal(response, 400, 'the events after Last-Event-ID are not kept');
  }

  function endSession(legacy: LegacyRequest): void {
    if (!isVersionKnown(legacy.request)) return refuseVersion(legacy.response);
    const session = sessionOf(legacy);
    if (session === undefined) return;
    store.remove(session);
    sendEmpty(legacy.response, 204);
  }

  return { post, listen, endSession };
}

/** Whether no message of the request can be taken; it is then answered. */
function isRefused(request: IncomingMessage, response: ServerResponse): boolean {
  if (!isVersionKnown(request)) {
    refuseVersion(response);
    return true;
  }
  if (acceptsEvents(request.headers.accept)) return false;
  // A client of these protocols is asked things in between, so it has to take streams.
  sendRefusal(response, 406, 'Accept must allow text/event-stream as well');
  return true;
}

function versionOf(request: IncomingMessage): string | undefined {
  return request.headers['mcp-protocol-version']?.toString();
}

function isVersionKnown(request: IncomingMessage): boolean {
  const version = versionOf(request);
  return version === undefined || legacyVersions.includes(version);
}

function refuseVersion(response: ServerResponse): void {
  const versions = legacyVersions.join(', ');
  sendRefusal(response, 400, `MCP-Protocol-Version must be one of ${versions} here`);
}
