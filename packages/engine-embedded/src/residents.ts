import { HostError, toErrorData } from '@modelhost/kernel';
import type { Clock, RunProgram, RunStatus } from '@modelhost/kernel';
import type { EngineBounds } from './bounds.ts';
import type { RunCodec } from './codec.ts';
import { endUnreadable, isDamage } from './damage.ts';
import type { EventFeeds } from './event-feeds.ts';
import { findProgram, openOrigin } from './origin.ts';
import type { Programs } from './origin.ts';
import type { RunStore } from './run-store.ts';
import type { RunOrigin } from './run/live-run.ts';
import type { Turn } from './run/rehearse.ts';
import { openRun } from './run/run.ts';
import type { Run } from './run/run.ts';

/** The runs that are not finished: in memory, or parked outside it until they are needed. */
export interface Residents {
  /** Takes in a run that has just been created, and lets it begin. */
  begin(origin: RunOrigin, programVersion: string): void;
  /** Takes in a run that is kept by its store; it is read as soon as there is room. */
  add(run: { readonly tenant: string; readonly runId: string }): void;
  has(runId: string): boolean;
  /** The run, read back into memory if need be; undefined when it is finished or not there. */
  load(tenant: string, runId: string): Promise<Run | undefined>;
  /** Ends a run that cannot be read, with this as its error. False when it is finished or not there. */
  end(tenant: string, runId: string, fault: HostError): Promise<boolean>;
  /** As it is durable, when it is in memory. */
  status(tenant: string, runId: string): RunStatus | undefined;
  /** Runs in memory, or on their way there. */
  inMemory(): number;
  /** Resolves when no run is in memory. */
  idle(): Promise<void>;
  /** From now on runs that only wait leave memory at once, unless somebody follows them, and none comes back by itself. */
  settle(): void;
  /** Lets those that only wait leave memory, drops those that still work as they stand, and says how many that were. */
  interruptAll(reason: HostError): number;
  /** Drops every run as it stands. */
  dropAll(reason: HostError): void;
}

/** What residents are made of. */
export interface ResidentsOptions {
  readonly programs: Programs;
  readonly store: RunStore;
  readonly clock: Clock;
  readonly codec: RunCodec;
  readonly turn: Turn;
  readonly bounds: EngineBounds;
  readonly feeds: EventFeeds;
  readonly onFault: (runId: string, fault: HostError) => void;
  /** A run was finished. */
  readonly onEnd: (status: RunStatus) => void;
}

interface Resident {
  readonly tenant: string;
  readonly runId: string;
  /** Undefined while it is parked or being read. */
  run: Run | undefined;
  /** While it is being read; what came in its way, if anything did. */
  loading: Promise<HostError | undefined> | undefined;
  cancelWake: () => void;
  /** Why it cannot go on, and ends as soon as it is read again. */
  refusal: HostError | undefined;
}

interface Pool {
  readonly options: ResidentsOptions;
  readonly residents: Map<string, Resident>;
  /** Those that are to be read. */
  readonly queue: Set<Resident>;
  readonly idleWaiters: Set<() => void>;
  inMemory: number;
  loadsInFlight: number;
  isSettling: boolean;
}

const noTimer = (): void => {};

/** Starts with none. */
export function createResidents(options: ResidentsOptions): Residents {
  const pool: Pool = {
    options,
    residents: new Map(),
    queue: new Set(),
    idleWaiters: new Set(),
    inMemory: 0,
    loadsInFlight: 0,
    isSettling: false,
  };
  const { residents } = pool;

  return {
    begin: (origin, programVersion) => {
      const { runId, principal } = origin.input;
      const resident = createResident(principal.tenant, runId);
      residents.set(runId, resident);
      pool.inMemory += 1;
      enter(pool, resident, origin, programVersion);
    },
    add: ({ tenant, runId }) => {
      const resident = createResident(tenant, runId);
      residents.set(runId, resident);
      enqueue(pool, resident);
    },
    has: (runId) => residents.has(runId),
    load: async (tenant, runId) => load(pool, tenant, runId),
    end: async (tenant, runId, fault) => {
      const resident = residents.get(runId);
      return resident?.tenant === tenant && (await end(pool, resident, fault));
    },
    status: (tenant, runId) => {
      const resident = residents.get(runId);
      return resident?.tenant === tenant ? resident.run?.status() : undefined;
    },
    inMemory: () => pool.inMemory,
    idle: async () => {
      if (pool.inMemory > 0) await new Promise<void>((resolve) => pool.idleWaiters.add(resolve));
    },
    settle: () => {
      pool.isSettling = true;
      pool.queue.clear();
      for (const { cancelWake } of residents.values()) cancelWake();
      for (const { runId, run } of residents.values()) {
        if (options.feeds.find(runId)?.hasFollowers() !== true) run?.parkSoon();
      }
    },
    interruptAll: (reason) => {
      let interrupted = 0;
      for (const resident of residents.values()) {
        const { run } = resident;
        if (run?.isIdle() === true) run.parkSoon();
        else if (run?.isEnding() === false) {
          interrupted += 1;
          run.drop(reason);
          park(pool, resident, undefined);
        }
      }
      return interrupted;
    },
    dropAll: (reason) => {
      pool.queue.clear();
      for (const resident of residents.values()) {
        resident.cancelWake();
        resident.run?.drop(reason);
        leave(pool, resident);
      }
      residents.clear();
    },
  };
}

function createResident(tenant: string, runId: string): Resident {
  return {
    tenant,
    runId,
    run: undefined,
    loading: undefined,
    cancelWake: noTimer,
    refusal: undefined,
  };
}

async function load(pool: Pool, tenant: string, runId: string): Promise<Run | undefined> {
  const resident = pool.residents.get(runId);
  if (resident?.tenant !== tenant) return undefined;
  const problem = resident.run === undefined ? await bring(pool, resident) : undefined;
  if (problem !== undefined) throw problem;
  await resident.run?.ready;
  return resident.run;
}

/** A run is to be read as soon as there is room. */
function enqueue(pool: Pool, resident: Resident): void {
  if (resident.run !== undefined || resident.loading !== undefined || pool.isSettling) return;
  pool.queue.add(resident);
  loadNext(pool);
}

function loadNext(pool: Pool): void {
  const { loadsInFlightMax } = pool.options.bounds;
  for (const next of pool.queue) {
    if (pool.loadsInFlight >= loadsInFlightMax) return;
    void bring(pool, next);
  }
}

/** Reads a run into memory. Gives what came in its way. */
async function bring(pool: Pool, resident: Resident): Promise<HostError | undefined> {
  if (resident.loading !== undefined) return resident.loading;
  pool.queue.delete(resident);
  resident.cancelWake();
  pool.inMemory += 1;
  pool.loadsInFlight += 1;
  resident.loading = read(pool, resident);
  return resident.loading;
}

async function read(pool: Pool, resident: Resident): Promise<HostError | undefined> {
  const { store, codec, turn } = pool.options;
  const { runId } = resident;
  try {
    const record = await store.read(runId);
    const kept = record?.run.state === 'finished' ? undefined : record;
    const origin = kept && (await openOrigin({ codec, turn }, kept));
    if (pool.residents.get(runId) !== resident) return undefined;
    if (origin === undefined || kept === undefined) remove(pool, resident);
    else enter(pool, resident, origin, kept.run.programVersion);
    await resident.run?.ready;
    return undefined;
  } catch (thrown) {
    return await giveUp(pool, resident, thrown);
  } finally {
    resident.loading = undefined;
    pool.loadsInFlight -= 1;
    loadNext(pool);
  }
}

/** The run is in memory from now on. */
function enter(pool: Pool, resident: Resident, origin: RunOrigin, version: string): void {
  const { options } = pool;
  const { runId } = resident;
  const { programs, store, clock, codec, turn, bounds, feeds, onFault, onEnd } = options;
  const { lastSequence } = origin.status;
  resident.run = openRun({
    origin,
    program: resident.refusal ?? programOf(programs, version),
    clock,
    codec,
    store,
    turn,
    bounds,
    feed: feeds.open(runId, { lastSequence, isEnded: false }),
    onFault: (fault) => onFault(runId, fault),
    onEnd: (status) => {
      remove(pool, resident);
      onEnd(status);
    },
    onIdle: (wakeAtMs) => parkIfPossible(pool, resident, wakeAtMs),
    onBroken: (cause) => void giveUp(pool, resident, cause),
  });
  if (pool.isSettling) resident.run.parkSoon();
}

function programOf(programs: Programs, version: string): RunProgram | HostError {
  try {
    return findProgram(programs, version);
  } catch (thrown) {
    if (thrown instanceof HostError) return thrown;
    throw thrown;
  }
}

function parkIfPossible(pool: Pool, resident: Resident, wakeAtMs: number): void {
  const parked = pool.residents.size - pool.inMemory;
  if (parked >= pool.options.bounds.parkedRunsMax && !pool.isSettling) return;
  resident.run?.drop(new HostError('internal', 'the run is parked'));
  park(pool, resident, wakeAtMs);
}

/** The run is out of memory until it is needed, at this time at the latest; undefined for as long as nobody needs it. */
function park(pool: Pool, resident: Resident, wakeAtMs: number | undefined): void {
  const { clock, feeds } = pool.options;
  resident.cancelWake();
  leave(pool, resident);
  feeds.release(resident.runId);
  if (wakeAtMs === undefined || pool.isSettling) return;
  const delayMs = Math.max(0, wakeAtMs - clock.now());
  resident.cancelWake = clock.setTimer(delayMs, () => enqueue(pool, resident));
}

/** It cannot go on now. Gives what came in its way; undefined when it was ended, for nothing could ever go on from what is kept. */
async function giveUp(
  pool: Pool,
  resident: Resident,
  cause: unknown,
): Promise<HostError | undefined> {
  if (!isDamage(cause)) return interrupt(pool, resident, cause);
  try {
    await end(pool, resident, cause);
    return undefined;
  } catch (thrown) {
    return interrupt(pool, resident, thrown);
  }
}

/** Ends a run that cannot be read. False when it is finished already, or not there. */
async function end(pool: Pool, resident: Resident, fault: HostError): Promise<boolean> {
  const { feeds, onFault, onEnd } = pool.options;
  const { runId } = resident;
  const ended = await endUnreadable(pool.options, runId, fault);
  onFault(runId, fault);
  if (ended !== undefined) feeds.find(runId)?.show([ended.event]);
  if (pool.residents.get(runId) === resident) remove(pool, resident);
  if (ended !== undefined) onEnd(ended.status);
  return ended !== undefined;
}

/** Nothing of the run is left but what is kept. It is read again when its store may answer again. */
function interrupt(pool: Pool, resident: Resident, cause: unknown): HostError {
  const { clock, bounds, onFault } = pool.options;
  const error = toErrorData(cause);
  const { code, message, ...facts } = error;
  const fault = new HostError(code, `the run is interrupted: ${message}`, { ...facts, cause });
  // A store that takes nothing more, not even an end, is told of by itself.
  if (!isDamage(cause)) onFault(resident.runId, fault);
  if (pool.residents.get(resident.runId) !== resident) return fault;
  if (error.facts['reason'] === 'too_large' && resident.refusal === undefined) {
    // It would be as large the next time.
    resident.refusal = new HostError('failed_precondition', `the run cannot go on: ${message}`, {
      facts: error.facts,
      cause,
    });
    park(pool, resident, clock.now());
    return fault;
  }
  const isPassing =
    code === 'overloaded' ||
    (code === 'storage_unavailable' && !finalReasons.has(error.facts['reason'] ?? ''));
  park(pool, resident, isPassing ? clock.now() + bounds.storeRetryMs : undefined);
  return fault;
}

/** After these nothing is ever taken again. */
const finalReasons: ReadonlySet<string> = new Set(['closed', 'fenced', 'corrupt', 'too_large']);

function remove(pool: Pool, resident: Resident): void {
  resident.cancelWake();
  pool.residents.delete(resident.runId);
  leave(pool, resident);
  pool.options.feeds.release(resident.runId);
}

function leave(pool: Pool, resident: Resident): void {
  if (resident.run === undefined && resident.loading === undefined) return;
  resident.run = undefined;
  pool.inMemory -= 1;
  if (pool.inMemory > 0) return;
  for (const resolve of pool.idleWaiters) resolve();
  pool.idleWaiters.clear();
}
