import { canonicalJson, HostError, sha256Hex } from '@modelhost/kernel';
import type { Clock, Json, RunInput, RunStatus } from '@modelhost/kernel';
import type { EngineBounds } from './bounds.ts';
import type { RunCodec } from './codec.ts';
import { joinFrames } from './journal/journal.ts';
import { firstStatus, sealStatus } from './kept-status.ts';
import { sealInput, sealPrefix } from './origin.ts';
import type { KeptInput } from './origin.ts';
import type { Residents } from './residents.ts';
import type { KeptRun, RunStore } from './run-store.ts';
import type { RunOrigin } from './run/live-run.ts';
import type { Turn } from './run/rehearse.ts';

/** Takes new runs in, until it is closed. */
export interface Intake {
  start(input: RunInput): Promise<{ readonly created: boolean }>;
  /** The same with a part of another run's journal to go on from. */
  startFrom(kept: KeptInput, programVersion: string): Promise<{ readonly created: boolean }>;
  /** Takes nothing new; resolves once nothing is on its way in. */
  close(): Promise<void>;
}

/** New runs are started under `programVersion`. */
export function createIntake(options: {
  readonly store: RunStore;
  readonly clock: Clock;
  readonly codec: RunCodec;
  readonly turn: Turn;
  readonly bounds: EngineBounds;
  readonly residents: Residents;
  readonly programVersion: string;
  readonly onStart: (status: RunStatus) => void;
}): Intake {
  const { store, clock, codec, turn, bounds, residents, onStart } = options;
  const underWay = new Set<Promise<unknown>>();
  let isClosed = false;

  async function startFrom(
    kept: KeptInput,
    programVersion: string,
  ): Promise<{ readonly created: boolean }> {
    const { input } = kept;
    const inputDigest = digestOf(input);
    const refusal = refusalOf();
    if (refusal !== undefined) {
      const known = await store.find(input.runId);
      if (known === undefined) throw refusal;
      return compare(known, inputDigest);
    }
    const work = create(kept, inputDigest, programVersion);
    underWay.add(work);
    try {
      return await work;
    } finally {
      underWay.delete(work);
    }
  }

  async function create(
    kept: KeptInput,
    inputDigest: string,
    programVersion: string,
  ): Promise<{ readonly created: boolean }> {
    const { input } = kept;
    const entries = await sealPrefix({ codec, turn }, kept);
    checkSize(entries);
    const status = firstStatus(input, clock.now());
    const run = { ...keptOf(codec, status), inputDigest, programVersion, entries };
    const created = await store.create(run, sealInput(codec, input));
    if (!created.created) return compare(created.run, inputDigest);
    onStart(status);
    residents.begin(newOrigin(kept, status, entries.length), programVersion);
    return { created: true };
  }

  function refusalOf(): HostError | undefined {
    if (isClosed) {
      return new HostError('draining', 'the host is shutting down', { retryAfterMs: 1_000 });
    }
    const inFlight = residents.inMemory() + underWay.size;
    if (inFlight < bounds.runsInFlightMax) return undefined;
    return new HostError('overloaded', `${inFlight} runs are in flight already`, {
      facts: { runs_in_flight_max: String(bounds.runsInFlightMax) },
      retryAfterMs: 1_000,
    });
  }

  return {
    start: async (input) => startFrom({ input, prefix: [] }, options.programVersion),
    startFrom,
    close: async () => {
      isClosed = true;
      await Promise.allSettled(underWay);
    },
  };
}

function newOrigin({ input, prefix }: KeptInput, status: RunStatus, entries: number): RunOrigin {
  const journal = joinFrames(prefix);
  return { input, status, journal, entries, signals: [], stop: undefined };
}

function keptOf(
  codec: RunCodec,
  status: RunStatus,
): Pick<KeptRun, 'runId' | 'tenant' | 'state' | 'createdAtMs' | 'finishedAtMs' | 'status'> {
  const { runId, principal, state, createdAtMs, finishedAtMs } = status;
  const sealed = sealStatus(codec, status);
  return { runId, tenant: principal.tenant, state, createdAtMs, finishedAtMs, status: sealed };
}

/** Half of what may wait for a store: it is written at once, and nobody else waits for long. */
const prefixBytesMax = 32 * 1024 * 1024;

/** What led to a late step of a very long run is too much, however often it is tried. */
function checkSize(entries: readonly Uint8Array[]): void {
  const bytes = entries.reduce((sum, { byteLength }) => sum + byteLength, 0);
  if (bytes <= prefixBytesMax) return;
  throw new HostError(
    'failed_precondition',
    `a fork takes over at most ${prefixBytesMax} bytes, and what led to this step has ${bytes}: fork at an earlier one`,
    { facts: { bytes: String(bytes), bytes_max: String(prefixBytesMax) } },
  );
}

function compare({ runId, inputDigest }: KeptRun, digest: string): { readonly created: boolean } {
  if (inputDigest === digest) return { created: false };
  throw new HostError('request_conflict', `the run ${runId} was started with another request`);
}

/**
 * Of what was asked for. Labels and placeholders are what policy and redaction made of it at the time, and the turns of a
 * session are what it had by then.
 */
function digestOf({ labels: _labels, placeholders: _sealed, session, ...asked }: RunInput): string {
  if (asked.requestDigest !== undefined) return asked.requestDigest;
  const request =
    session === undefined ? asked : { ...asked, history: [], session: session.sessionId };
  try {
    // A run's input is JSON but for members that are undefined, and those canonicalJson writes as null.
    return sha256Hex(canonicalJson(request as unknown as Json));
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new HostError('validation_failed', 'the request is nested too deeply', { cause });
  }
}
