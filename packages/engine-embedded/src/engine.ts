import { canonicalJson, HostError, sha256Hex } from '@modelhost/kernel';
import type {
  Clock,
  EventLog,
  Json,
  RunEngine,
  RunEvent,
  RunInput,
  RunProgram,
} from '@modelhost/kernel';
import { defaultEngineBounds } from './bounds.ts';
import type { EngineBounds } from './bounds.ts';
import { listRuns } from './run-list.ts';
import { startRun } from './run.ts';
import { createRunShelf } from './run-shelf.ts';
import type { RunShelf } from './run-shelf.ts';

/** The run engine and event log of one process. `close` cancels what still runs (by `drain`) and forgets everything. */
export type MemoryEngine = RunEngine & EventLog & { close(): Promise<void> };

/** What an engine is made of. */
export interface MemoryEngineOptions {
  readonly program: RunProgram;
  readonly clock: Clock;
  readonly bounds?: Partial<EngineBounds>;
  /** For the log: why a run ended as `internal`; the fault carries the cause. */
  readonly onFault?: (runId: string, fault: HostError) => void;
}

/** Runs live and die with this process: nothing is written anywhere. */
export function createMemoryEngine(options: MemoryEngineOptions): MemoryEngine {
  const { clock } = options;
  const bounds = { ...defaultEngineBounds, ...options.bounds };
  const shelf = createRunShelf(bounds);
  const intake = createIntake({ ...options, bounds, shelf });

  async function drain(timeoutMs: number): Promise<{ cancelled: number }> {
    intake.close();
    let cancelled = 0;
    const cancelTimer = clock.setTimer(timeoutMs, () => {
      cancelled = shelf.stopAll({ type: 'cancelled', by: 'drain' });
    });
    await intake.idle();
    cancelTimer();
    return { cancelled };
  }

  function follow(
    tenant: string,
    runId: string,
    { afterSequence, signal }: { readonly afterSequence: number; readonly signal: AbortSignal },
  ): AsyncIterable<RunEvent> {
    const run = shelf.findOf(tenant, runId);
    if (run === undefined) throw new HostError('not_found', `there is no run ${runId}`);
    return run.follow(afterSequence, signal);
  }

  return {
    start: async (input) => intake.start(input),
    signal: async (tenant, runId, name, payload) => ({
      accepted: shelf.findOf(tenant, runId)?.deliver(name, payload) ?? false,
    }),
    cancel: async (tenant, runId, by) => {
      const run = shelf.findOf(tenant, runId);
      if (run === undefined || run.state() === 'finished') return false;
      run.stop({ type: 'cancelled', by });
      return true;
    },
    status: async (tenant, runId) => shelf.findOf(tenant, runId)?.status(),
    list: async (tenant, filter) => listRuns(shelf.newestFirst(), tenant, filter),
    runsInFlight: () => shelf.inFlight(),
    drain,
    follow,
    close: async () => {
      await drain(0);
      shelf.clear();
    },
  };
}

/** Takes new runs in, until it is closed. */
interface Intake {
  start(input: RunInput): { created: boolean };
  close(): void;
  /** Resolves when no run is in flight. */
  idle(): Promise<void>;
}

function createIntake(
  options: MemoryEngineOptions & { readonly bounds: EngineBounds; readonly shelf: RunShelf },
): Intake {
  const { program, clock, bounds, shelf, onFault } = options;
  const idleWaiters = new Set<() => void>();
  let isClosed = false;

  function start(input: RunInput): { created: boolean } {
    const { runId } = input;
    const inputDigest = digestOf(input);
    const known = shelf.find(runId);
    if (known !== undefined) {
      if (known.inputDigest === inputDigest) return { created: false };
      throw new HostError('request_conflict', `the run ${runId} was started with another request`);
    }
    refuseIfFull();
    const run = startRun({
      input,
      program,
      clock,
      bounds,
      onEnd: () => {
        shelf.retire(runId);
        if (shelf.inFlight() > 0) return;
        for (const resolve of idleWaiters) resolve();
        idleWaiters.clear();
      },
      onFault: (fault) => onFault?.(runId, fault),
    });
    shelf.add(run, inputDigest);
    return { created: true };
  }

  function refuseIfFull(): void {
    if (isClosed) {
      throw new HostError('draining', 'the host is shutting down', { retryAfterMs: 1_000 });
    }
    if (shelf.inFlight() < bounds.runsInFlightMax) return;
    throw new HostError('overloaded', `${shelf.inFlight()} runs are in flight already`, {
      facts: { runs_in_flight_max: String(bounds.runsInFlightMax) },
      retryAfterMs: 1_000,
    });
  }

  return {
    start,
    close: () => {
      isClosed = true;
    },
    idle: async () => {
      if (shelf.inFlight() > 0) await new Promise<void>((resolve) => idleWaiters.add(resolve));
    },
  };
}

/**
 * Labels are what policy says of the same request at the time, and seals are new each time, so they are left out; and so is the
 * history that a session gives, as another try finds more turns in it.
 */
function digestOf({ labels: _labels, placeholders: _sealed, session, ...asked }: RunInput): string {
  if (asked.requestDigest !== undefined) return asked.requestDigest;
  const input =
    session === undefined ? asked : { ...asked, history: [], session: session.sessionId };
  try {
    // A run's input is JSON but for members that are undefined, and those canonicalJson writes as null.
    return sha256Hex(canonicalJson(input as unknown as Json));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new HostError('validation_failed', 'the request is nested too deeply', { cause });
  }
}
