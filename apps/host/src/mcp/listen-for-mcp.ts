import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import {
  createFacadeAuthenticate,
  createFacadeServer,
  createOutboundFetch,
  createTokenVerifier,
} from '@modelhost/mcp-gateway';
import type {
  FacadeAuthenticate,
  FacadeCore,
  FacadeServer,
  FacadeService,
  OutboundFetch,
  TokenIssuer,
  TokenVerifier,
} from '@modelhost/mcp-gateway';
import type { Clock } from '@modelhost/kernel';
import type { Logger } from 'pino';
import { createAuthenticate } from '../auth.ts';
import type { McpConfig } from '../config/mcp-tree.ts';
import type { HostConfig } from '../config/read-config.ts';
import { createSessionId } from './session-id.ts';

/** The listener for MCP clients. */
export interface McpListener {
  /** As configured, without the port. */
  readonly host: string;
  readonly address: AddressInfo;
  /** Lets requests in flight go on for the grace, then cuts them. */
  close(graceMs: number): Promise<void>;
}

/** What the listener serves from. */
export interface McpListenerOptions {
  readonly config: HostConfig;
  readonly mcp: McpConfig;
  /** By view. Closed with the listener. */
  readonly cores: Readonly<Record<string, FacadeCore>>;
  /** What else is served on the listener. */
  readonly services: readonly FacadeService[];
  readonly clock: Clock;
  readonly log: Logger;
}

const keysTimeoutMs = 5_000;
const keysBytesMax = 262_144;

/** Listens on the façade's own address. Throws `config_invalid` when it cannot be had, or when nobody would be checked. */
export async function listenForMcp(options: McpListenerOptions): Promise<McpListener> {
  const { config, mcp, cores, services, clock, log } = options;
  const outbound = mcp.issuers.map((issuer) => toKeyFetch(issuer, clock));
  const server = createFacadeServer({
    cores,
    services,
    authenticate: toAuthenticate(config, mcp, clock, outbound),
    allowedHosts: mcp.allowedHosts,
    allowedOrigins: mcp.allowedOrigins,
    resource: {
      publicUrl: mcp.publicUrl,
      authorizationServers: mcp.issuers.map(({ issuer }) => issuer),
      scopes: [...new Set(mcp.issuers.flatMap(({ scopes }) => scopes))],
    },
    ...readTls(config),
    clock,
    randomId: createSessionId,
    bounds: {
      connectionsMax: mcp.maxConnections,
      sessionsMax: mcp.maxSessions,
      bodyBytesMax: mcp.maxBodyBytes,
    },
    onFault: (cause) => log.error({ err: cause }, 'a request of an MCP client failed'),
  });
  const host = mcp.host ?? config.tree.server.host;
  const opened = { server, cores, outbound };
  try {
    const address = await server.listen({ host, port: mcp.port });
    return { host, address, close: (graceMs) => close(opened, graceMs) };
  } catch (thrown) {
    await close(opened, 0);
    throw thrown;
  }
}

async function close(
  opened: {
    readonly server: FacadeServer;
    readonly cores: McpListenerOptions['cores'];
    readonly outbound: readonly OutboundFetch[];
  },
  graceMs: number,
): Promise<void> {
  for (const core of Object.values(opened.cores)) core.close();
  await opened.server.close(graceMs);
  await Promise.all(opened.outbound.map((outbound) => outbound.close()));
}

/** API keys of the host and tokens of the configured issuers; without any of them everybody is the local principal. */
function toAuthenticate(
  config: HostConfig,
  mcp: McpConfig,
  clock: Clock,
  outbound: readonly OutboundFetch[],
): FacadeAuthenticate {
  const { apiKeys } = config.tree.server.auth;
  const tokens = mcp.issuers.length === 0 ? undefined : toVerifier(mcp, clock, outbound);
  const keys =
    apiKeys.length === 0 && tokens !== undefined ? undefined : createAuthenticate(apiKeys);
  return createFacadeAuthenticate({
    ...(keys === undefined ? {} : { apiKeys: keys }),
    ...(tokens === undefined ? {} : { tokens }),
  });
}

function toVerifier(
  mcp: McpConfig,
  clock: Clock,
  outbound: readonly OutboundFetch[],
): TokenVerifier {
  const fetchOf = new Map(mcp.issuers.map(({ jwksUrl }, at) => [jwksUrl, outbound[at]]));
  return createTokenVerifier({
    issuers: mcp.issuers.map(toIssuer),
    fetch: async (url, init) => {
      const fetch = fetchOf.get(url);
      if (fetch === undefined) throw new TypeError('keys of no issuer');
      return await fetch(url, init);
    },
    now: () => clock.now(),
  });
}

function toIssuer(issuer: McpConfig['issuers'][number]): TokenIssuer {
  return { ...issuer, audience: issuer.audience, tenant: issuer.tenant };
}

/** An operator's own URL; what it leads to is checked like that of a tool server. */
function toKeyFetch(
  { issuer, jwksUrl }: McpConfig['issuers'][number],
  clock: Clock,
): OutboundFetch {
  return createOutboundFetch({
    server: issuer,
    baseUrl: jwksUrl,
    allowPrivateNetwork: true,
    messageBytesMax: keysBytesMax,
    requestTimeoutMs: keysTimeoutMs,
    connectTimeoutMs: keysTimeoutMs,
    clock,
  });
}

function readTls({ tree, pathOf }: HostConfig): {
  readonly tls?: { readonly cert: string; readonly key: string };
} {
  const { tls } = tree.server;
  if (tls === undefined) return {};
  const read = (file: string): string => readFileSync(pathOf(file), 'utf8');
  return { tls: { cert: read(tls.certFile), key: read(tls.keyFile) } };
}
