import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import {
  AgentService,
  ErrorInfoSchema,
  Health,
  PolicyService,
  RpcStatusSchema,
  SessionService,
  SystemService,
  ToolService,
} from '@modelhost/contracts';
import { HealthImplementation } from 'grpc-health-check';
import { HostError } from '@modelhost/kernel';
import type { Logger } from 'pino';
import { createAuthenticate } from './auth.ts';
import { createAuthzenServices } from './authzen/services.ts';
import { closeParts, compose } from './compose.ts';
import type { Parts } from './compose.ts';
import { createComponents } from './components.ts';
import type { HostConfig } from './config/read-config.ts';
import type { ServerConfig } from './config/tree.ts';
import { createAgentService } from './grpc/agent-service.ts';
import { listenForConnections } from './grpc/connections.ts';
import type { Connections } from './grpc/connections.ts';
import { guardRoutes } from './grpc/guard.ts';
import type { CallReport } from './grpc/guard.ts';
import { createMessageHiding } from './grpc/hide-message.ts';
import { createPolicyService } from './grpc/policy-service.ts';
import { addReflection } from './grpc/reflection.ts';
import { createRoutes, definitionOf } from './grpc/service.ts';
import type { Route } from './grpc/service.ts';
import { createSessionService } from './grpc/session-service.ts';
import { createSystemService } from './grpc/system-service.ts';
import { createToolService } from './grpc/tool-service.ts';
import { listenForHealth } from './health/health-server.ts';
import { createReadiness } from './health/readiness.ts';
import type { Readiness } from './health/readiness.ts';
import { createViews } from './mcp/facade.ts';
import { hideInServices } from './mcp/hide-in-facade.ts';
import { listenForMcp } from './mcp/listen-for-mcp.ts';
import { openProtection } from './redaction/open-protection.ts';
import type { McpListener } from './mcp/listen-for-mcp.ts';
import { openOnData } from './runs/start-fault.ts';
import { openRuns } from './runs/open-runs.ts';
import { runsDirectoryOf } from './storage/storage-tools.ts';
import type { Runs } from './runs/open-runs.ts';

/** Everything the host is made of, before anything listens. */
type HostParts = Parts & Runs;

/** A host that serves. */
export interface RunningHost {
  /** `host:port` of the gRPC listener. */
  readonly grpcAddress: string;
  /** `host:port` of `/health` and `/ready`. */
  readonly healthAddress: string;
  /** `host:port` of the façade for MCP clients; undefined when the configuration has none. */
  readonly mcpAddress: string | undefined;
  /** The audit file, for `model-host audit verify`. */
  readonly auditPath: string;
  /**
   * Takes no new runs, lets those in flight finish within the shutdown timeout, leaves the rest to the next start, and closes
   * everything. Resolves with how many it interrupted; a second call waits for the first.
   */
  drain(): Promise<{ readonly interrupted: number }>;
  /** Kills what the host has started and waits for nothing: for a process that is about to exit. */
  abandon(): void;
  /** Puts a fault that nobody has caught into the log, and abandons. */
  fail(fault: unknown): void;
}

/** What a host starts from. */
export interface HostOptions {
  readonly config: HostConfig;
  /** Shown by `GetStatus`, told to tool servers. */
  readonly version: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `silent` for a host inside another program; else the configured level. */
  readonly log?: 'stderr' | 'silent';
}

/** The services of the contract, as the health service knows them. */
const contractServices = [AgentService, SessionService, ToolService, PolicyService, SystemService];
const serviceNames = contractServices.map(({ typeName }) => typeName);
/** Time that one component may take to answer `/ready`, and how long its answer is kept. */
const checkTimeoutMs = 2_000;
const reportKeptMs = 1_000;
/** Time for the last bytes of answers on their way out, after every run has ended. */
const closeGraceMs = 2_000;

/**
 * Starts everything and listens; throws `config_invalid` for what cannot be started with, and `storage_unavailable` where
 * there is no room.
 */
export async function startHost(options: HostOptions): Promise<RunningHost> {
  const { tree, pathOf } = options.config;
  return openOnData(pathOf(tree.server.dataDirectory), async () => openHost(options));
}

async function openHost(options: HostOptions): Promise<RunningHost> {
  const { config, version } = options;
  const { server } = config.tree;
  const level = options.log === 'silent' ? 'silent' : config.tree.telemetry.logLevel;
  const protection = await openProtection({ ...options, level });
  const { log } = protection;
  // Whatever is open when the start fails is closed again, the newest first; the drain closes by the same list.
  await using opened = new AsyncDisposableStack();
  const composed = await compose({ ...options, protection });
  opened.defer(async () => closeParts(composed));
  const runs = await openRuns({
    parts: composed,
    log,
    directory: runsDirectoryOf(config),
    witness: protection.witness.runs,
    runsInFlightMax: server.maxRunsInFlight,
    runs: config.tree.runs,
  });
  opened.defer(async () => runs.close());
  const parts = { ...composed, ...runs };
  const readiness = createReadiness({
    components: createComponents(parts),
    now: () => parts.clock.now(),
    checkTimeoutMs,
    keepMs: reportKeptMs,
    hide: (text) => parts.redactor.redact(text),
  });
  const grpc = await listenForCalls({ config, parts, readiness, version, log });
  opened.defer(async () => shutDown(grpc));
  const host = server.healthHost ?? server.host;
  const health = await listenForHealth({ host, port: server.healthPort, version, readiness });
  opened.defer(async () => health.close());
  const mcp = await listenForMcpClients({ config, parts, version, log });
  if (mcp !== undefined) opened.defer(async () => mcp.close(0));
  await recordHost(parts, 'host-started', { version, policyDigest: parts.policy.digest() });
  await protection.witness.note();
  const running = {
    grpcAddress: addressOf(server.host, grpc.connections.address.port),
    healthAddress: addressOf(host, health.address.port),
    mcpAddress: mcp === undefined ? undefined : addressOf(mcp.host, mcp.address.port),
    auditPath: parts.auditPath,
  };
  log.info(
    { ...running, keys: server.auth.apiKeys.length, tls: server.tls !== undefined },
    server.auth.apiKeys.length === 0
      ? 'ready; no API key is configured, so the host listens on loopback only and every caller is the local principal'
      : 'ready',
  );
  const closing = opened.move();
  let draining: Promise<{ interrupted: number }> | undefined;
  return {
    ...running,
    drain: async () => {
      draining ??= drainHost({ parts, readiness, grpc, mcp, closing, server, log });
      return draining;
    },
    abandon: () => parts.tools.kill(),
    fail: (fault) => {
      log.fatal({ err: fault }, 'a fault that nobody has caught');
      parts.tools.kill();
    },
  };
}

/** The façade, where the configuration asks for one. */
async function listenForMcpClients(options: {
  readonly config: HostConfig;
  readonly parts: HostParts;
  readonly version: string;
  readonly log: Logger;
}): Promise<McpListener | undefined> {
  const { config, parts, version, log } = options;
  const { mcp } = config.tree;
  if (mcp === undefined) return undefined;
  const { clock, keys, redactor, relay, policy, tools } = parts;
  const cores = createViews(mcp.views, { relay, keys, redactor, clock, version });
  const services = hideInServices(createAuthzenServices({ policy, tools, clock }), redactor);
  return await listenForMcp({ config, mcp, cores, services, clock, log });
}

function addressOf(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The gRPC side of the host. */
interface Grpc {
  readonly server: Server;
  readonly connections: Connections;
  readonly health: HealthImplementation;
}

async function listenForCalls(options: {
  readonly config: HostConfig;
  readonly parts: HostParts;
  readonly readiness: Readiness;
  readonly version: string;
  readonly log: Logger;
}): Promise<Grpc> {
  const { config, parts, readiness, version, log } = options;
  const { host, port, maxConnections, requestTimeoutMs, tls, auth } = config.tree.server;
  const server = new Server({
    'grpc.max_concurrent_streams': 1_000,
    'grpc.max_receive_message_length': 8 * 1_024 * 1_024,
    'grpc.max_connection_age_ms': 3_600_000,
    'grpc.max_connection_age_grace_ms': 600_000,
    'grpc.keepalive_time_ms': 60_000,
    'grpc.keepalive_timeout_ms': 20_000,
  });
  const listening: { connections?: Connections } = {};
  for (const routes of createServices(parts, readiness, version)) {
    const guarded = guardRoutes(routes, {
      authenticate: createAuthenticate(auth.apiKeys),
      requestTimeoutMs,
      maxConnections,
      isOverLimit: (peer) => listening.connections?.isOverLimit(peer) === true,
      onCall: (report) => logCall(log, report),
      hide: (text) => parts.redactor.redact(text),
    });
    server.addService(definitionOf(routes), guarded);
  }
  // Health and reflection are the only methods that need no key.
  const health = new HealthImplementation(
    Object.fromEntries(['', ...serviceNames].map((name) => [name, 'SERVING'])),
  );
  health.addToServer(server);
  addReflection(
    server,
    [...contractServices, Health],
    [RpcStatusSchema.file, ErrorInfoSchema.file],
  );
  const injector = server.createConnectionInjector(createCredentials(tls, config));
  const connections = await listenForConnections({ host, port, maxConnections, injector });
  listening.connections = connections;
  return { server, connections, health };
}

function createServices(
  parts: HostParts,
  readiness: Readiness,
  version: string,
): readonly (readonly Route[])[] {
  const { engine, tools, governor, policy, audit, ids, clock } = parts;
  const policyParts = { control: parts.policyControl, gateway: tools, audit, clock };
  const runsInFlight = (): number => engine.runsInFlight();
  const hide = createMessageHiding(parts.redactor);
  const agentService = createAgentService({ ...parts, accept: parts });
  const toolService = createToolService({ gateway: tools, governor, policy, audit, ids });
  const { policyControl } = parts;
  const systemService = createSystemService({
    version,
    readiness,
    gateway: tools,
    policyControl,
    runsInFlight,
  });
  return [
    createRoutes(AgentService, agentService, hide),
    createRoutes(SessionService, createSessionService(parts), hide),
    createRoutes(ToolService, toolService, hide),
    createRoutes(PolicyService, createPolicyService(policyParts), hide),
    createRoutes(SystemService, systemService, hide),
  ];
}

function createCredentials(tls: ServerConfig['tls'], { pathOf }: HostConfig): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const { certFile, keyFile } = tls;
  try {
    const pair = {
      cert_chain: readFileSync(pathOf(certFile)),
      private_key: readFileSync(pathOf(keyFile)),
    };
    // Node alone says at once whether both can be used together.
    createSecureContext({ cert: pair.cert_chain, key: pair.private_key });
    return ServerCredentials.createSsl(null, [pair]);
  } catch (cause) {
    const message = `server.tls: ${certFile} and ${keyFile} are no certificate and its private key as PEM`;
    throw new HostError('config_invalid', message, { cause });
  }
}

function logCall(log: Logger, { method, principal, durationMs, error }: CallReport): void {
  const call = { method, tenant: principal?.tenant, durationMs: Math.round(durationMs) };
  if (error === undefined) log.debug(call, 'call');
  else if (error instanceof HostError && error.code !== 'internal') {
    // What a tool server says of a failure may hold what it was called with.
    const isServersOwn = error.code === 'mcp_protocol_error';
    const why = isServersOwn ? {} : { error: error.message };
    log.info({ ...call, code: error.code, ...why }, 'call did not go through');
  } else log.error({ ...call, err: error }, 'call failed');
}

async function drainHost(options: {
  readonly parts: HostParts;
  readonly readiness: Readiness;
  readonly grpc: Grpc;
  readonly mcp: McpListener | undefined;
  readonly closing: AsyncDisposableStack;
  readonly server: ServerConfig;
  readonly log: Logger;
}): Promise<{ interrupted: number }> {
  const { parts, readiness, grpc, mcp, closing, server, log } = options;
  readiness.drain();
  for (const name of ['', ...serviceNames]) grpc.health.setStatus(name, 'NOT_SERVING');
  log.info({ runsInFlight: parts.engine.runsInFlight() }, 'draining');
  const timeoutMs = server.gracefulShutdownTimeoutMs;
  try {
    const [{ interrupted }] = await Promise.all([
      parts.engine.drain(timeoutMs),
      mcp?.close(timeoutMs),
    ]);
    if (interrupted > 0) {
      log.warn(
        { interrupted },
        'runs were interrupted, since the shutdown timeout is over: they go on after the next start',
      );
    }
    await recordHost(parts, 'host-stopped', { interrupted });
    return { interrupted };
  } finally {
    await closing.disposeAsync();
    log.info('stopped');
  }
}

/** Lets answers that are on their way out arrive, then cuts the connections. */
async function shutDown({ server, connections }: Grpc): Promise<void> {
  connections.stop();
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    server.forceShutdown();
    connections.destroy();
    resolve();
  }, closeGraceMs);
  server.tryShutdown(() => resolve());
  await promise;
  clearTimeout(timer);
  connections.destroy();
}

async function recordHost(
  { audit }: Parts,
  kind: 'host-started' | 'host-stopped',
  facts: Readonly<Record<string, string | number>>,
): Promise<void> {
  await audit.append({ kind, tenant: '', runId: '', step: '', actor: 'host', facts });
}
