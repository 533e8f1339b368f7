import { HostError } from '@modelhost/kernel';
import type { Clock, Principal, ToolServerStatus } from '@modelhost/kernel';
import { createBulkhead } from '@modelhost/resilience';
import type { Exchange, ExchangeContext, ExchangeOutcome, RelayChange } from '../relay.ts';
import type { ToolServerLogEntry } from '../server-spec.ts';
import type { ConnectionChange } from './changes.ts';
import type { Connection, ConnectionOptions } from './connection.ts';
import type { UpstreamLists } from './lists.ts';
import type { EndingTimes } from './process/process-group.ts';
import type { ProcessGroups } from './process/process-groups.ts';
import { createEraMemory } from './supervisor-era.ts';
import { createExchangeSender } from './supervisor-exchange.ts';
import type { ExchangeOptions } from './supervisor-exchange.ts';
import { createLine } from './supervisor-line.ts';
import { createLines } from './supervisor-lines.ts';
import type { SubjectLine } from './supervisor-lines.ts';
import { createListKeeper } from './supervisor-lists.ts';
import type { ListKeeper } from './supervisor-lists.ts';
import type { SupervisionTimes } from './supervisor-retry.ts';
import { createWatches } from './supervisor-watches.ts';

/** One tool server, kept usable: connected when it is needed, spared when it fails, bounded always. */
export interface Upstream {
  readonly alias: string;
  /** Connects in the background, unless it is lazy or every user has a connection of their own. */
  start(): void;
  /** Somebody looks at its catalogue: it is read in the background when it never was, or not for long. */
  wake(): void;
  /** Resolves when the first attempt is over, at once when none was started; never rejects. */
  settled(): Promise<void>;
  /** Its own part of the status: the catalogue knows the rest. */
  status(): Pick<ToolServerStatus, 'alias' | 'state' | 'error'>;
  /** Connects as this principal. Rejects with what their first exchange would reject with. */
  connect(principal: Principal): Promise<void>;
  /** Sends it once; a second time only as the options and the configuration allow. */
  exchange(
    exchange: Exchange,
    context: ExchangeContext,
    options: ExchangeOptions,
  ): Promise<ExchangeOutcome>;
  /** Gives up an exchange of the principal that waits for input; nothing happens when there is none. */
  abandon(principal: Principal, requestState: string): void;
  /** Has changes of the resource reported while anybody watches, over lost connections too. Returns the way to stop. */
  watchResource(principal: Principal, uri: string): () => void;
  /** Ends every connection and its process. */
  close(): Promise<void>;
}

/** What an upstream is made of. */
export interface UpstreamOptions extends Pick<
  ConnectionOptions,
  'spec' | 'clientVersion' | 'environment' | 'newId' | 'hide'
> {
  readonly endingTimes: EndingTimes;
  readonly groups: ProcessGroups;
  /** A clock that never goes back. */
  readonly clock: Clock;
  /** From 0 up to, without, 1: for jitter. */
  readonly random: () => number;
  readonly times: SupervisionTimes;
  /** Principals of the same subject share a connection; '' when everybody does. */
  readonly subjectOf: (principal: Principal) => string;
  /** The way out to the server with the credential of the principal. */
  readonly fetchFor: (principal: Principal) => ConnectionOptions['fetch'];
  readonly log: (source: ToolServerLogEntry['source'], message: string) => void;
  /** Whether anything is known of what it offers. */
  readonly isCatalogueKnown: () => boolean;
  /** Lists as they were just read; a kind that is absent was not. Nothing is sent on their connection before it resolves. */
  readonly onLists: (lists: Partial<UpstreamLists>, connection: Presentation) => Promise<void>;
  /** A resource changed. Changed lists are read first and come as `onLists`. */
  readonly onResourceChange: (change: RelayChange) => void;
}

/** How a server presents itself. */
export type Presentation = Pick<Connection, 'capabilities' | 'instructions'>;

/** Whoever connects when nobody asked: a connection that everybody shares is nobody's. */
const nobody: Principal = { tenant: '', subject: '', roles: [] };
const linesMax = 256;
/** A connection of a single user is let go at some point, whatever is configured. */
const subjectIdleMs = 600_000;
const revivePauseMs = 5_000;

/** Nothing is started before `start`, `wake` or the first exchange. */
export function createUpstream(options: UpstreamOptions): Upstream {
  const { spec, clock, subjectOf, log } = options;
  const { alias, callsInFlightMax: inFlightMax, queueMax } = spec;
  const isShared = subjectOf(nobody) === '';
  const lists = createListKeeper({
    clock,
    debounceMs: options.times.debounceMs,
    ageMsMax: options.times.listsAgeMsMax,
    connected: () => lines.connected(),
    onLists: options.onLists,
    log: (message) => log('gateway', message),
  });
  const createSubjectLine = createLineMaker(options, {
    lists,
    isShared,
    isStarted: () => isStarted,
  });
  const lines = createLines({ alias, linesMax, subjectOf, createLine: createSubjectLine });
  const bulkhead = createBulkhead({ ...clock, name: alias, inFlightMax, queueMax });
  const exchange = createExchangeSender({ spec, clock, lines, bulkhead });
  let isStarted = false;
  let settled = Promise.resolve();

  function start(): void {
    if (spec.start === 'lazy' || !isShared) return;
    isStarted = true;
    settled = lines.of(nobody).connect().then(ignore, ignore);
  }

  function wake(): void {
    if (lines.connected() !== undefined) lists.refreshOld();
    else if (isShared) revive(lines.of(nobody));
  }

  /** What nobody needs now is left alone, but for a catalogue that nobody could ask anything of otherwise. */
  function revive(line: SubjectLine): void {
    const { state } = line.status();
    if (state === 'connecting' || line.sinceAttemptMs() < revivePauseMs) return;
    const isWanted = isStarted && state !== 'idle';
    if (isWanted || !options.isCatalogueKnown()) line.connect().catch(ignore);
  }

  function status(): Pick<ToolServerStatus, 'alias' | 'state' | 'error'> {
    const { state, error } = lines.status();
    return { alias, state, error: error?.message };
  }

  async function close(): Promise<void> {
    lists.stop();
    await lines.close();
    await settled;
  }

  return {
    alias,
    start,
    wake,
    settled: () => settled,
    status,
    connect: async (principal) => await connectAndAsk(lines.of(principal)),
    exchange,
    abandon: (principal, requestState) =>
      lines.known(principal)?.parkedAt(requestState)?.abandon(requestState, principal),
    watchResource: (principal, uri) => lines.of(principal).watches.watch(uri),
    close,
  };
}

/** Where protocol and lists are known, connecting alone asks the server nothing, and says nothing about who may. */
async function connectAndAsk(line: SubjectLine): Promise<void> {
  const connection = await line.connect();
  try {
    await connection.ping();
    line.answered(connection);
  } catch (cause) {
    if (cause instanceof HostError) line.failed(connection, cause);
    throw cause;
  }
}

/** What the lines to one server have in common. */
interface LineMakerContext {
  readonly lists: ListKeeper;
  readonly isShared: boolean;
  readonly isStarted: () => boolean;
}

function createLineMaker(
  options: UpstreamOptions,
  { lists, isShared, isStarted }: LineMakerContext,
): (principal: Principal) => SubjectLine {
  const { spec, clock, random, times, log } = options;
  const { alias, connectTimeoutMs } = spec;
  const era = createEraMemory(clock);
  const idleMs = isShared || spec.idleMs > 0 ? spec.idleMs : subjectIdleMs;

  return (principal) => {
    const line = createLine({
      alias,
      connectTimeoutMs,
      idleMs,
      times,
      clock,
      random,
      connection: () => ({ ...options, fetch, prior: era.prior(), onChange }),
      prepare: async (connection) => {
        era.learn(connection);
        await lists.prepare(connection, isShared);
        watches.renew(connection);
      },
      onEraLost: era.forget,
      isWanted: () => isStarted() || watches.isHeld(),
      isHeld: () => watches.isHeld(),
    });
    const fetch = options.fetchFor(principal);
    const watches = createWatches({
      alias,
      connect: line.connect,
      current: line.current,
      onGap: (uri) => onChange({ type: 'resource-updated', uri }),
      log: (message) => log('gateway', message),
    });
    return { ...line, watches };
  };

  function onChange(change: ConnectionChange): void {
    if (change.type === 'resource-updated') options.onResourceChange({ ...change, alias });
    else lists.changed(change.type);
  }
}

function ignore(): void {}
