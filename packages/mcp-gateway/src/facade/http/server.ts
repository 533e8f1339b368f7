import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { isIP } from 'node:net';
import type { AddressInfo } from 'node:net';
import { HostError } from '@modelhost/kernel';
import type { Clock } from '@modelhost/kernel';
import type { FacadeAuthenticate } from '../auth/authenticate.ts';
import type { FacadeCore } from '../core-types.ts';
import { facadeRoutes } from './facade-routes.ts';
import type { FacadeRoute } from './facade-routes.ts';
import type { FacadeService } from './facade-service.ts';
import { sendRefusal } from './http-answers.ts';
import type { HttpSessionBounds } from './http-session.ts';
import { createLegacyHttp } from './legacy-http.ts';
import type { LegacySessionBounds } from './legacy-session.ts';
import type { ResourceInfo } from './protected-resource.ts';
import { createRequestGuard } from './request-guard.ts';
import { createRequestHandler } from './request-handler.ts';
import { createSessionStore } from './session-store.ts';
import type { SessionStoreBounds } from './session-store.ts';

/** Bounds of the listener. */
export interface FacadeServerBounds extends SessionStoreBounds, HttpSessionBounds {
  readonly bodyBytesMax: number;
  /** Levels of JSON in a message. */
  readonly depthMax: number;
  readonly headerBytesMax: number;
  readonly headersMax: number;
  /** Connections beyond it are closed at once. */
  readonly connectionsMax: number;
  /** Time for the headers of a request to arrive, and for all of it. */
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** How long an unused connection stays open. */
  readonly keepAliveTimeoutMs: number;
}

/** What the listener needs. */
export interface FacadeServerOptions {
  /** What answers, by the name of its view; `default` is at `/mcp`, and each is at `/mcp/<name>`. Closed by their owner. */
  readonly cores: Readonly<Record<string, FacadeCore>>;
  /** What else is served here, behind the same guards. */
  readonly services?: readonly FacadeService[];
  readonly authenticate: FacadeAuthenticate;
  /** Beside loopback names, the address that is listened on, and the host of the public address. */
  readonly allowedHosts: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly resource: ResourceInfo;
  /** Scopes that a token needs for a view, by its name; none for a view that is not here. */
  readonly viewScopes?: Readonly<Record<string, readonly string[]>>;
  /** PEM; without it the listener speaks plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly clock: Clock;
  /** Visible ASCII, at least 128 bits that nobody can guess: it names sessions. */
  readonly randomId: () => string;
  readonly areSessionsRequired?: boolean;
  readonly bounds?: Partial<FacadeServerBounds>;
  readonly sessionBounds?: Partial<LegacySessionBounds>;
  /** Faults of ours, for the log. */
  readonly onFault: (cause: unknown) => void;
}

/** The listener of the façade. */
export interface FacadeServer {
  /** Every route that it answers. */
  readonly routes: readonly FacadeRoute[];
  /** Throws `config_invalid` when the address cannot be had. */
  listen(at: { readonly host: string; readonly port: number }): Promise<AddressInfo>;
  sessions(): number;
  /** Takes nothing new, lets requests in flight go on for the grace, then cuts what is left. */
  close(graceMs?: number): Promise<void>;
}

const defaultBounds: FacadeServerBounds = {
  bodyBytesMax: 4_194_304,
  depthMax: 64,
  headerBytesMax: 16_384,
  headersMax: 100,
  connectionsMax: 1_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  keepAliveTimeoutMs: 30_000,
  sessionsMax: 1_000,
  sessionsPerPrincipalMax: 100,
  sessionIdleMs: 1_800_000,
  sweepEveryMs: 15_000,
  streamsKeptMax: 16,
  resumeTimeoutMs: 60_000,
  listenMaxMs: 3_600_000,
  streamAfterMs: 250,
  stream: {
    eventsKeptMax: 256,
    bytesKeptMax: 262_144,
    bytesUnreadMax: 1_048_576,
    retryMs: 1_000,
  },
};

/** Makes the one listener of MCP clients, of every protocol version. */
export function createFacadeServer(options: FacadeServerOptions): FacadeServer {
  const { clock, randomId, resource, cores } = options;
  const bounds = { ...defaultBounds, ...options.bounds };
  const ofClient =
    options.sessionBounds === undefined ? {} : { sessionBounds: options.sessionBounds };
  const store = createSessionStore({ clock, randomId, bounds, ...ofClient });
  const routes = facadeRoutes(Object.keys(cores), options.services);
  const publicHost = resource.publicUrl === undefined ? [] : [hostOf(resource.publicUrl)];
  let ownUrl = '';
  let ownHost = '';
  let isClosing = false;
  const handle = createRequestHandler({
    routes,
    cores,
    authenticate: options.authenticate,
    guard: createRequestGuard({
      allowedHosts: [...publicHost, ...options.allowedHosts],
      allowedOrigins: options.allowedOrigins,
      ownHost: () => ownHost,
    }),
    legacy: createLegacyHttp({
      store,
      clock,
      bounds,
      areSessionsRequired: options.areSessionsRequired ?? true,
      ...ofClient,
    }),
    resource,
    viewScopes: options.viewScopes ?? {},
    baseUrl: () => resource.publicUrl?.replace(/\/+$/, '') ?? ownUrl,
    bodyBounds: { bytesMax: bounds.bodyBytesMax, depthMax: bounds.depthMax },
    onFault: options.onFault,
  });
  const server = createListener(options.tls, bounds, (request, response) => {
    if (isClosing) {
      const headers = { connection: 'close', 'retry-after': '1' };
      return sendRefusal(response, 503, 'the host is shutting down', { headers });
    }
    void handle(request, response);
  });

  return {
    routes,
    listen: async ({ host, port }) => {
      await listen(server, host, port);
      // A connection that cannot be accepted, for want of descriptors, ends nothing.
      server.on('error', options.onFault);
      // A listener on TCP has an address of this kind.
      const address = server.address() as AddressInfo;
      ownUrl = urlOf(address, options.tls !== undefined);
      ownHost = isEveryAddress(host) ? '' : hostnameOf(host);
      return address;
    },
    sessions: () => store.count(),
    close: async (graceMs = 0) => {
      isClosing = true;
      store.stopListening();
      await drain(server, { clock, graceMs, onCut: () => store.close() });
      store.close();
    },
  };
}

const drainEveryMs = 100;

/** Waits for the requests in flight, at most for the grace; what is left then is cut. */
async function drain(
  server: Server,
  options: { readonly clock: Clock; readonly graceMs: number; readonly onCut: () => void },
): Promise<void> {
  const { clock, graceMs, onCut } = options;
  const untilMs = clock.now() + graceMs;
  let stopTimer = (): void => undefined;
  const closed = new Promise((resolve) => server.close(resolve));
  const look = (): void => {
    server.closeIdleConnections();
    if (clock.now() < untilMs) {
      stopTimer = clock.setTimer(Math.min(drainEveryMs, untilMs - clock.now()), look);
      return;
    }
    onCut();
    server.closeAllConnections();
  };
  look();
  await closed;
  stopTimer();
}

function createListener(
  tls: FacadeServerOptions['tls'],
  bounds: FacadeServerBounds,
  handle: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const limits: ServerOptions = {
    headersTimeout: bounds.headersTimeoutMs,
    requestTimeout: bounds.requestTimeoutMs,
    keepAliveTimeout: bounds.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(bounds.headersTimeoutMs, 5_000),
    maxHeaderSize: bounds.headerBytesMax,
    // Of headers that may come once, such as Host and Authorization, a second one makes the whole value a wrong one.
    joinDuplicateHeaders: true,
    noDelay: true,
  };
  const server =
    tls === undefined
      ? createServer(limits, handle)
      : createTlsServer({ ...limits, ...tls, minVersion: 'TLSv1.2' }, handle);
  server.maxHeadersCount = bounds.headersMax;
  server.maxConnections = bounds.connectionsMax;
  return server;
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'unknown';
    const message = `${host}:${port}: the host cannot listen here (${why})`;
    throw new HostError('config_invalid', message, { cause });
  }
}

function urlOf({ address, family, port }: AddressInfo, isTls: boolean): string {
  const host = family === 'IPv6' ? `[${address}]` : address;
  return `${isTls ? 'https' : 'http'}://${host}:${port}`;
}

function isEveryAddress(host: string): boolean {
  return isIP(host) !== 0 && /^[0:.]+$/.test(host);
}

/** As it stands in a Host header. */
function hostnameOf(host: string): string {
  return isIP(host) === 6 ? `[${host.toLowerCase()}]` : host.toLowerCase();
}

function hostOf(url: string): string {
  return new URL(url).host;
}
