import { HostError } from '@modelhost/kernel';
import type { Clock, Json } from '@modelhost/kernel';
import type { Connection } from './connection.ts';
import { failed } from './failures.ts';
import { createDeadline } from './supervisor-deadline.ts';
import { createHealth } from './supervisor-health.ts';
import type { Health, HealthStatus } from './supervisor-health.ts';
import { createConnectionOpener } from './supervisor-opener.ts';
import type { ConnectionOpener, ConnectionOpenerOptions } from './supervisor-opener.ts';
import { createRetry } from './supervisor-retry.ts';
import type { Retry, SupervisionTimes } from './supervisor-retry.ts';
import { createSlot } from './supervisor-slot.ts';
import type { Slot, SlotOptions } from './supervisor-slot.ts';
import { untilAborted } from '../until-aborted.ts';

/** At most one connection at a time, for one subject at one server. */
export interface Line {
  /** The connection there is, or the outcome of one attempt that is shared by all who wait for it. */
  readonly connect: () => Promise<Connection>;
  readonly current: () => Connection | undefined;
  /** The connection that an exchange waits on which was asked for input, if it is one of this line. */
  parkedAt(requestState: Json | undefined): Connection | undefined;
  /** The server answered: whatever failed before is over. */
  answered(connection: Connection): void;
  /** Something failed on a connection, which may be the end of it. */
  failed(connection: Connection, failure: HostError): void;
  /** Milliseconds since the last attempt began; infinite before the first. */
  sinceAttemptMs(): number;
  status(): HealthStatus;
  close(): Promise<void>;
}

/** What a line is made of. */
export interface LineOptions extends Omit<SlotOptions, 'retire'> {
  readonly alias: string;
  readonly connectTimeoutMs: number;
  readonly times: SupervisionTimes;
  readonly clock: Clock;
  readonly random: () => number;
  readonly connection: ConnectionOpenerOptions['connection'];
  /** Reads what must be known before anything is sent on a new connection. */
  readonly prepare: (connection: Connection) => Promise<void>;
  /** What is known of the server's protocol may be wrong. */
  readonly onEraLost: () => void;
  /** Whether it connects again by itself after a failure. */
  readonly isWanted: () => boolean;
}

/** Nothing is started before `connect`. */
export function createLine(options: LineOptions): Line {
  const { alias, clock, times, random, connection } = options;
  const closing = new AbortController();
  const health = createHealth(alias, times, clock);
  const opener = createConnectionOpener({ connection, onLost: lose });
  const slot = createSlot({ ...options, retire: opener.retire });
  let opening: Promise<Connection> | undefined;
  let attemptedAtMs = -Infinity;
  const retry = createRetry({
    times,
    clock,
    random,
    isWanted: () => options.isWanted() && !closing.signal.aborted,
    pauseMsMin: health.pauseMs,
    // The status tells how it went.
    again: () => void connect().catch(() => {}),
  });

  async function connect(): Promise<Connection> {
    slot.touch();
    const current = slot.current();
    if (current !== undefined) return current;
    opening ??= attempt().finally(() => {
      opening = undefined;
    });
    return await opening;
  }

  async function attempt(): Promise<Connection> {
    if (closing.signal.aborted) throw closed(alias);
    const pass = health.enter();
    retry.stop();
    attemptedAtMs = clock.now();
    try {
      const opened = await openInTime(options, opener, closing.signal);
      health.connected(pass);
      slot.fill(opened);
      return opened;
    } catch (cause) {
      if (closing.signal.aborted) throw closed(alias, cause);
      const failure = toConnectError(alias, cause);
      health.failed(failure, pass);
      options.onEraLost();
      retry.plan();
      throw failure;
    }
  }

  /** However many exchanges a connection takes along, its end is one failure of the server. */
  function lose(lost: Connection, failure: HostError | undefined): void {
    const ageMs = slot.ageMs();
    if (!slot.release(lost)) return;
    health.failed(failure ?? failed('mcp_connection_failed', alias, 'its connection ended'));
    if (ageMs >= times.longestRetryMs) retry.reset();
    retry.plan();
  }

  async function close(): Promise<void> {
    closing.abort();
    retry.stop();
    slot.clear();
    await opener.close();
  }

  return {
    connect,
    current: slot.current,
    parkedAt: opener.parkedAt,
    ...createReports({ options, slot, health, retry, lose }),
    sinceAttemptMs: () => clock.now() - attemptedAtMs,
    status: () => health.status(stateOf(closing.signal, slot.current(), opening)),
    close,
  };
}

/** What a line does with what is heard of its exchanges. */
function createReports({ options, slot, health, retry, lose }: ReportContext): Reports {
  const checkLife = createLifeCheck(options.alias, lose);

  return {
    answered: (connection) => {
      if (slot.current() !== connection) return;
      slot.touch();
      health.answered();
      retry.reset();
    },
    failed: (connection, failure) => {
      if (slot.current() !== connection) return;
      if (failure.facts['era_lost'] === 'true') options.onEraLost();
      if (failure.code === 'mcp_connection_failed') lose(connection, failure);
      else health.degrade();
      if (failure.code === 'mcp_timeout') void checkLife(connection);
    },
  };
}

type Reports = Pick<Line, 'answered' | 'failed'>;

interface ReportContext {
  readonly options: LineOptions;
  readonly slot: Slot;
  readonly health: Health;
  readonly retry: Retry;
  readonly lose: (connection: Connection, failure: HostError) => void;
}

function stateOf(
  closing: AbortSignal,
  current: Connection | undefined,
  opening: Promise<Connection> | undefined,
): 'none' | 'opening' | 'open' | 'closed' {
  if (closing.aborted) return 'closed';
  if (current !== undefined) return 'open';
  return opening === undefined ? 'none' : 'opening';
}

async function openInTime(
  { alias, connectTimeoutMs, clock, prepare }: LineOptions,
  opener: ConnectionOpener,
  closing: AbortSignal,
): Promise<Connection> {
  const deadline = createDeadline(clock, connectTimeoutMs, closing);
  try {
    return await opener.open(deadline.signal, async (connection) => {
      // Reading has a time of its own.
      deadline.stop();
      await untilAborted(prepare(connection), closing);
    });
  } catch (cause) {
    if (!deadline.isOver()) throw cause;
    const facts = { timeout_ms: String(connectTimeoutMs) };
    const reason = `not connected in ${connectTimeoutMs} ms`;
    throw failed('mcp_timeout', alias, reason, { cause, facts });
  } finally {
    deadline.stop();
  }
}

/** A call may be slow while its server is well: one that does not answer even a ping is given up. */
function createLifeCheck(
  alias: string,
  lose: (connection: Connection, failure: HostError) => void,
): (connection: Connection) => Promise<void> {
  const asked = new WeakSet<Connection>();

  return async (connection) => {
    if (asked.has(connection)) return;
    asked.add(connection);
    try {
      await connection.ping();
    } catch (cause) {
      lose(connection, failed('mcp_connection_failed', alias, 'it no longer answers', { cause }));
    } finally {
      asked.delete(connection);
    }
  };
}

function toConnectError(alias: string, cause: unknown): HostError {
  if (cause instanceof HostError) return cause;
  return failed('mcp_connection_failed', alias, 'it could not be connected', { cause });
}

function closed(alias: string, cause?: unknown): HostError {
  return failed('mcp_connection_failed', alias, 'the gateway is closed', { cause });
}
