import { randomUUID } from 'node:crypto';
import { HostError } from '@modelhost/kernel';
import type { Clock, JsonSchemas, ToolGateway, ToolServerStatus } from '@modelhost/kernel';
import { createCatalogues } from './catalogue/catalogues.ts';
import type { Catalogues } from './catalogue/catalogues.ts';
import type { PinAdmin, PinDrift } from './catalogue/pin-admin.ts';
import type { PinStore } from './catalogue/pin-records.ts';
import { createAuthorizations } from './credentials/authorizations.ts';
import type { Authorizations, AuthorizingServer } from './credentials/authorizations.ts';
import { createGatewayRelay } from './gateway-relay.ts';
import { cutAtWord, nothingHidden } from './hiding.ts';
import type { Hiding } from './hiding.ts';
import { createListeners } from './listeners.ts';
import type { McpRelay, RelayChange } from './relay.ts';
import { createCappedRelay } from './results/capped-relay.ts';
import { readPiece } from './results/result-piece.ts';
import { createResultStore } from './results/result-store.ts';
import type { ResultStore } from './results/result-store.ts';
import { toToolAnswer } from './results/result-text.ts';
import { checkAliases, isVisibleTo } from './server-spec.ts';
import type { ToolServerLogEntry, ToolServerSpec } from './server-spec.ts';
import { supplyUpstream } from './supplied-upstream.ts';
import type { SuppliedUpstream, SupplyOptions } from './supplied-upstream.ts';
import { createToolCaller } from './tool-caller.ts';
import type { ToolCallerOptions } from './tool-caller.ts';
import type { EndingTimes } from './upstream/process/process-group.ts';
import { createProcessGroups } from './upstream/process/process-groups.ts';
import { defaultSupervisionTimes } from './upstream/supervisor-retry.ts';
import type { SupervisionTimes } from './upstream/supervisor-retry.ts';

/** The one gate to all tool servers: for agent runs, and through its relay for façades. */
export type McpGateway = ToolGateway & {
  /** What façades work with, before policy and audit are put around it. */
  readonly relay: McpRelay;
  readonly pins: PinAdmin;
  /** For servers where every user authorizes the host. */
  readonly authorizations: Authorizations;
  /** Results that were too long for an answer. */
  readonly results: ResultStore;
  /** Settles when the pins are read and every server that starts at once is ready or failed; never rejects. */
  connected(): Promise<void>;
  /** Kills every child process and does not wait: for a process that is about to exit. */
  kill(): void;
};

/** What the gateway is made of. */
export interface McpGatewayOptions extends Pick<SupplyOptions, 'tokenStore' | 'idTokenFor'> {
  readonly servers: readonly ToolServerSpec[];
  readonly schemas: JsonSchemas;
  /** Told to the servers as the version of `model-host`. */
  readonly clientVersion: string;
  /** Where the few variables that children inherit come from, such as PATH: the environment of the host. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly pinStore: PinStore;
  readonly onLog?: (entry: ToolServerLogEntry) => void;
  /** Absent: nothing is hidden. */
  readonly hiding?: Hiding;
  readonly onDrift?: (drift: PinDrift) => void;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** A clock that never goes back. */
  readonly clock?: Clock;
  /** From 0 up to, without, 1. */
  readonly random?: () => number;
  /** Unguessable, of `[A-Za-z0-9-]`. */
  readonly randomId?: () => string;
  /** How long a child may take to leave, for each stage of its ending. */
  readonly endingTimes?: EndingTimes;
  readonly times?: Partial<SupervisionTimes>;
  /** For results that are kept, of one tenant. */
  readonly resultsBytesMax?: number;
}

const defaultEndingTimes: EndingTimes = { inputEndMs: 1_000, terminateMs: 1_000, killMs: 1_000 };
const logMessageLengthMax = 4_096;

/**
 * Starts to connect at once to every server that is not lazy, and serves what is there. Throws `config_invalid` for bad
 * aliases; a server that fails never makes the gateway fail. `close` leaves no process behind.
 */
export function createMcpGateway(options: McpGatewayOptions): McpGateway {
  checkAliases(options.servers);
  const { hiding = nothingHidden, clock = createClock(), randomId = randomUUID } = options;
  const listeners = createListeners<RelayChange>();
  const log = createLog(options);
  const catalogues = createGatewayCatalogues(options, log, listeners.tell);
  const groups = createProcessGroups({
    ...clock,
    log: (message) => log('processes', 'gateway', message),
  });
  const supply: Omit<SupplyOptions, 'spec'> = {
    ...options,
    clock,
    randomId,
    groups,
    catalogues,
    log,
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
    endingTimes: options.endingTimes ?? defaultEndingTimes,
    times: { ...defaultSupervisionTimes, ...options.times },
    onChange: listeners.tell,
  };
  const upstreams = new Map(
    options.servers.map((spec) => [spec.alias, supplyUpstream({ ...supply, spec })]),
  );
  const bare = createGatewayRelay({ catalogues, upstreams, onChange: listeners.add });
  const results = createResultStore({
    ...(options.resultsBytesMax === undefined
      ? {}
      : { bytesMaxPerTenant: options.resultsBytesMax }),
    now: () => clock.now(),
    randomId,
  });
  const bytesMaxOf = (alias: string): number => upstreams.get(alias)?.spec.resultBytesMax ?? 0;
  const relay = createCappedRelay(bare, { results, bytesMaxOf, hideLong: hiding.long });
  const caller = createToolCaller({
    relay: bare,
    toolFor: (tenant, name) => catalogues.toolFor(tenant, name),
    toReply: createReplyMaker(bytesMaxOf, results, hiding),
    hide: hiding.text,
  });
  for (const { upstream } of upstreams.values()) upstream.start();

  return {
    listTools: (tenant) => {
      wakeVisible(upstreams, tenant);
      return catalogues.definitions(tenant);
    },
    searchTools: (query, names, limit) => catalogues.search(query, names, limit),
    checkArguments: (name, values) => {
      const tool = catalogues.tool(name);
      if (tool !== undefined) return tool.check(values);
      throw new HostError('mcp_tool_not_found', 'no such tool', { facts: { tool: name } });
    },
    ...caller,
    readResult: (principal, handle, offset) => readPiece(results, principal, { handle, offset }),
    servers: () => [...upstreams.values()].map((supplied) => statusOf(supplied, catalogues)),
    relay,
    pins: catalogues.pins,
    authorizations: createAuthorizations((alias, tenant) => findVisible(upstreams, alias, tenant)),
    results,
    connected: () => allSettled(upstreams, catalogues),
    kill: groups.kill,
    close: async () => {
      await Promise.all([...upstreams.values()].map((supplied) => supplied.close()));
      await groups.close();
    },
  };
}

/** A server that is well but offers nothing, since nobody approved it, is shown for what it is. */
function statusOf({ upstream }: SuppliedUpstream, catalogues: Catalogues): ToolServerStatus {
  const status = upstream.status();
  const toolCount = catalogues.toolCount(status.alias);
  const quarantinedCount = catalogues.quarantined(status.alias);
  const isHeldBack = toolCount === 0 && quarantinedCount > 0;
  const state = status.state === 'ready' && isHeldBack ? 'quarantined' : status.state;
  return { ...status, state, toolCount, quarantinedCount };
}

function findVisible(
  upstreams: ReadonlyMap<string, SuppliedUpstream>,
  alias: string,
  tenant: string,
): AuthorizingServer | undefined {
  const supplied = upstreams.get(alias);
  if (supplied === undefined || !isVisibleTo(supplied.spec, tenant)) return undefined;
  const { credentials, upstream } = supplied;
  return { credentials, connect: (principal) => upstream.connect(principal) };
}

function wakeVisible(upstreams: ReadonlyMap<string, SuppliedUpstream>, tenant: string): void {
  for (const { spec, upstream } of upstreams.values()) {
    if (isVisibleTo(spec, tenant)) upstream.wake();
  }
}

async function allSettled(
  upstreams: ReadonlyMap<string, SuppliedUpstream>,
  catalogues: Catalogues,
): Promise<void> {
  const waits = [...upstreams.values()].map(({ upstream }) => upstream.settled());
  await Promise.allSettled([catalogues.loaded(), ...waits]);
}

function createReplyMaker(
  bytesMaxOf: (alias: string) => number,
  store: ResultStore,
  hiding: Pick<Hiding, 'text' | 'long'>,
): ToolCallerOptions['toReply'] {
  return (result, { tool, invocation }) => {
    const bytesMax = bytesMaxOf(tool.definition.server);
    const { principal } = invocation;
    const spill = (text: string): string | undefined => store.put(principal, text);
    return toToolAnswer(result, { bytesMax, spill, hiding, tenant: principal.tenant });
  };
}

function createGatewayCatalogues(
  options: McpGatewayOptions,
  log: GatewayLog,
  onChange: (change: RelayChange) => void,
): Catalogues {
  const { servers, schemas, pinStore } = options;
  return createCatalogues({
    servers,
    schemas,
    pinStore,
    now: options.now ?? Date.now,
    log: (alias, message) => log(alias, 'gateway', message),
    onDrift: (drift) => options.onDrift?.(drift),
    onChange,
  });
}

type GatewayLog = SupplyOptions['log'];

function createLog({ onLog }: McpGatewayOptions): GatewayLog {
  return (server, source, message) =>
    onLog?.({ server, source, message: cutAtWord(message, logMessageLengthMax) });
}

/** Nothing that is planned keeps the host from ending. */
function createClock(): Clock {
  return {
    now: () => performance.now(),
    setTimer: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs).unref();
      return () => clearTimeout(timer);
    },
  };
}
