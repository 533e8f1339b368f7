import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '@modelhost/kernel';
import type { FacadeAuthenticate } from '../auth/authenticate.ts';
import type { FacadeCore } from '../core-types.ts';
import { answerModern } from '../modern-http.ts';
import type { FacadeRoute } from './facade-routes.ts';
import { serveFacadeService } from './facade-service.ts';
import { sendJson, sendRefusal } from './http-answers.ts';
import type { AnswerHeaders } from './http-answers.ts';
import type { LegacyHttp } from './legacy-http.ts';
import { acceptsEvents } from './media-types.ts';
import { eraOf } from './message-era.ts';
import { readPostedMessage } from './posted-message.ts';
import { refuseAccess, resourceMetadata } from './protected-resource.ts';
import type { ResourceInfo } from './protected-resource.ts';
import type { RequestGuard } from './request-guard.ts';
import type { StrictJsonBounds } from './strict-json.ts';

/** What the handling of requests needs. */
export interface RequestHandlerOptions {
  readonly routes: readonly FacadeRoute[];
  readonly cores: Readonly<Record<string, FacadeCore>>;
  readonly authenticate: FacadeAuthenticate;
  readonly guard: RequestGuard;
  readonly legacy: LegacyHttp;
  readonly resource: ResourceInfo;
  /** Scopes that a view needs, by its name. */
  readonly viewScopes: Readonly<Record<string, readonly string[]>>;
  /** The address of the listener as clients see it, without a path. */
  readonly baseUrl: () => string;
  readonly bodyBounds: StrictJsonBounds;
  /** A fault of ours; the client learns nothing of it. */
  readonly onFault: (cause: unknown) => void;
}

/** Answers one HTTP request; it never rejects. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

interface Exchange {
  readonly route: FacadeRoute;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** The one way in: guard, route, method, who asks, then what is asked. */
export function createRequestHandler(options: RequestHandlerOptions): RequestHandler {
  const { cores, baseUrl, bodyBounds, onFault } = options;
  const admit = createAdmission(options);

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const route = admit(request, response);
    if (route === undefined) return;
    const exchange = { route, request, response };
    const { service } = route;
    if (!route.isAuthenticated && service === undefined) return sendMetadata(options, exchange);
    const principal = route.isAuthenticated ? await authenticate(exchange) : undefined;
    if (route.isAuthenticated && principal === undefined) return;
    if (service !== undefined) {
      const asked = { request, response, principal, baseUrl: baseUrl(), bodyBounds };
      return serveFacadeService(service, asked);
    }
    if (principal !== undefined) await serve(exchange, principal);
  }

  function resourceOf({ path, service }: FacadeRoute): string {
    return `${baseUrl()}${service?.resource ?? path}`;
  }

  async function authenticate(exchange: Exchange): Promise<Principal | undefined> {
    const { route, request, response } = exchange;
    const { authorization } = request.headers;
    const scopes = options.viewScopes[route.view] ?? [];
    try {
      return await options.authenticate(authorization, { resource: resourceOf(route), scopes });
    } catch (thrown) {
      const refusal = refuseAccess(thrown, {
        info: options.resource,
        metadataUrl: `${baseUrl()}/.well-known/oauth-protected-resource${route.path}`,
        hasCredential: authorization !== undefined,
      });
      if (refusal === undefined) throw thrown;
      const { status, message, headers } = refusal;
      // Who is not let in does not get the rest of a body read.
      sendRefusal(response, status, message, { headers: { ...headers, connection: 'close' } });
      return undefined;
    }
  }

  async function serve(exchange: Exchange, principal: Principal): Promise<void> {
    const { route, request, response } = exchange;
    const core = cores[route.view];
    if (core === undefined) throw new Error(`${route.view}: a route without a view`);
    const owner = { view: route.view, principal };
    const legacy = { core, owner, request, response };
    if (request.method === 'DELETE') return options.legacy.endSession(legacy);
    if (request.method === 'GET') {
      if (acceptsEvents(request.headers.accept)) return options.legacy.listen(legacy);
      return sendRefusal(response, 406, 'Accept must allow text/event-stream');
    }
    const message = await readPostedMessage(request, response, bodyBounds);
    if (message === undefined) return;
    const { rpc, raw } = message;
    if (eraOf(rpc, request.headers['mcp-protocol-version']?.toString()) === 'legacy') {
      return options.legacy.post(rpc, legacy);
    }
    const { headers } = request;
    await answerModern(core, { message: raw, headers, principal }, response);
  }

  return async (request, response) => {
    try {
      await handle(request, response);
    } catch (thrown) {
      onFault(thrown);
      if (response.headersSent) response.destroy();
      else sendRefusal(response, 500, 'internal fault of the host', { code: -32_603 });
    }
  };
}

/** The public metadata of a view. */
function sendMetadata(
  { resource, baseUrl }: RequestHandlerOptions,
  { route, response }: Exchange,
): void {
  const prefix = '/.well-known/oauth-protected-resource';
  const path = route.path.slice(prefix.length);
  const metadata = resourceMetadata(resource, `${baseUrl()}${path === '' ? '/mcp' : path}`);
  if (metadata === undefined) return sendRefusal(response, 404, 'access is by API key here');
  sendJson(response, 200, metadata);
}

/** The route of a request that the guard lets pass; otherwise it is answered here. */
function createAdmission({
  routes,
  guard,
}: RequestHandlerOptions): (
  request: IncomingMessage,
  response: ServerResponse,
) => FacadeRoute | undefined {
  const known = new Map(routes.map((route) => [route.path, route]));
  return (request, response) => {
    const refuse = (status: number, text: string, headers?: AnswerHeaders): undefined => {
      sendRefusal(response, status, text, headers === undefined ? {} : { headers });
    };
    const reason = guard(request.headers);
    if (reason !== undefined) return refuse(403, reason);
    const url = request.url ?? '';
    const path = url.split('?', 1)[0] ?? '';
    const route = known.get(path);
    if (route === undefined) return refuse(404, 'there is nothing at this path');
    // Credentials in an address end up in logs and histories, so there is no parameter to put one into.
    if (path !== url) return refuse(400, 'this path takes no query parameters');
    if (route.methods.includes(request.method ?? '')) return route;
    const allow = route.methods.join(', ');
    return refuse(405, `this path takes ${allow}`, { allow });
  };
}
