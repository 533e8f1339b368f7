import { HostError } from '@modelhost/kernel';
import type {
  Clock,
  EventLog,
  RunEngine,
  RunEvent,
  RunFork,
  RunProgram,
  RunReplay,
  RunStatus,
  SignalPayload,
  StopReason,
} from '@modelhost/kernel';
import { defaultEngineBounds } from './bounds.ts';
import type { EngineBounds } from './bounds.ts';
import { checkFork } from './check-fork.ts';
import type { RunCodec } from './codec.ts';
import { isWithoutKey } from './damage.ts';
import { createEventFeeds } from './event-feeds.ts';
import type { EventFeeds } from './event-feeds.ts';
import { followRun } from './follow.ts';
import { createIntake } from './intake.ts';
import type { Intake } from './intake.ts';
import { showStatus } from './kept-status.ts';
import { cutBefore, exampleSteps } from './journal/cut.ts';
import {
  cancelSignal,
  findProgram,
  openFrames,
  openInput,
  openOrigin,
  sealSignal,
} from './origin.ts';
import type { Programs } from './origin.ts';
import { replayRun } from './replay.ts';
import { createResidents } from './residents.ts';
import type { Residents } from './residents.ts';
import type { Run } from './run/run.ts';
import { createRetention } from './retention.ts';
import type { Retention } from './retention.ts';
import { listRuns } from './run-page.ts';
import type { RunStore } from './run-store.ts';
import type { Turn } from './run/rehearse.ts';
import { watchDamage } from './watch-damage.ts';

/**
 * The run engine and event log of one process. `check` asks its store, and where that is damaged whoever follows a run is told. `close`
 * parks what waits, interrupts what still works, and lets go of everything; its store is closed by whoever opened it.
 */
export type EmbeddedEngine = RunEngine &
  EventLog & { check(): Promise<void>; close(): Promise<void> };

/** What an engine is made of. */
export interface EmbeddedEngineOptions {
  readonly programs: Programs;
  /** Where runs are kept. No other engine has it. */
  readonly store: RunStore;
  readonly clock: Clock;
  /** Seals whatever is kept of a run's contents. */
  readonly codec: RunCodec;
  /** The boundary between two macrotasks. */
  readonly turn: Turn;
  readonly bounds?: Partial<EngineBounds>;
  /** For the log: why a run ended as `internal`, or was interrupted; the fault carries the cause. No run: of the store itself. */
  readonly onFault?: (runId: string | undefined, fault: HostError) => void;
  /** For the log: a run was created, and it ended. Each is told once it is durable, and not again after a restart. */
  readonly onStart?: (status: RunStatus) => void;
  readonly onEnd?: (status: RunStatus) => void;
}

interface Parts {
  readonly programs: Programs;
  readonly turn: Turn;
  readonly store: RunStore;
  readonly clock: Clock;
  readonly codec: RunCodec;
  readonly bounds: EngineBounds;
  readonly feeds: EventFeeds;
  readonly residents: Residents;
  readonly intake: Intake;
  readonly retention: Retention;
}

const recoveryPage = 500;

/** Takes in the runs that are kept and not finished: they go on by themselves, from where their journals end. */
export async function createEmbeddedEngine(
  options: EmbeddedEngineOptions,
): Promise<EmbeddedEngine> {
  const parts = createParts(options);
  const { store, codec, residents, retention } = parts;
  await recover(parts);
  retention.look();

  return {
    start: async (input) => parts.intake.start(input),
    signal: async (tenant, runId, name, payload) => ({
      accepted: await sendSignal(parts, { tenant, runId, name }, payload),
    }),
    cancel: async (tenant, runId, by) =>
      cancelRun(parts, { tenant, runId }, { type: 'cancelled', by }),
    status: async (tenant, runId) => findStatus(parts, tenant, runId),
    list: async (tenant, filter) => listRuns({ store, codec }, tenant, filter),
    replay: async (tenant, runId) => replay(parts, { tenant, runId }),
    fork: async (tenant, runId, fork) => forkRun(parts, { tenant, runId }, fork),
    runsInFlight: () => residents.inMemory(),
    drain: async (timeoutMs) => drain(parts, timeoutMs),
    follow: (tenant, runId, following) => follow(parts, { tenant, runId }, following),
    check: async () => store.check(),
    close: async () => {
      await drain(parts, 0);
      residents.dropAll(drainingError());
    },
  };
}

function createParts(options: EmbeddedEngineOptions): Parts {
  const { programs, clock, codec, turn, onFault } = options;
  const bounds = { ...defaultEngineBounds, ...options.bounds };
  const feeds = createEventFeeds(bounds);
  const store = watchDamage(options.store, (fault) => {
    const { code, message, facts } = fault;
    onFault?.(
      undefined,
      new HostError(code, `no run goes on: ${message}`, { facts, cause: fault }),
    );
    // Nothing of what they do could be kept, and nothing more could be told of it.
    residents.interruptAll(fault);
    feeds.failAll(fault);
  });
  const retention = createRetention({
    store,
    clock,
    bounds,
    onFault: (cause) =>
      onFault?.(undefined, new HostError('storage_unavailable', 'old runs stay', { cause })),
  });
  const residents = createResidents({
    programs,
    store,
    clock,
    codec,
    turn,
    bounds,
    feeds,
    onFault: (runId, fault) => onFault?.(runId, fault),
    onEnd: (status) => {
      options.onEnd?.(status);
      retention.look();
    },
  });
  const programVersion = programs.current;
  const onStart = (status: RunStatus): void => options.onStart?.(status);
  const kept = { store, clock, codec, turn, bounds, residents };
  const intake = createIntake({ ...kept, programVersion, onStart });
  return { programs, turn, store, clock, codec, bounds, feeds, residents, intake, retention };
}

async function recover({ store, residents }: Parts): Promise<void> {
  for (let afterOrdinal = 0; ;) {
    const page = await store.unfinished({ afterOrdinal, limit: recoveryPage });
    const last = page.at(-1);
    if (last === undefined) return;
    for (const run of page) residents.add(run);
    afterOrdinal = last.ordinal;
  }
}

interface Place {
  readonly tenant: string;
  readonly runId: string;
}

/** It is kept before it counts, and before anybody is told that it does. */
async function sendSignal(
  { store, codec, residents, bounds }: Parts,
  place: Place & { readonly name: string },
  payload: SignalPayload,
): Promise<boolean> {
  const { tenant, runId, name } = place;
  const run = name === cancelSignal ? undefined : await residents.load(tenant, runId);
  if (run?.expect(name) !== true) return false;
  try {
    const signal = { name, payload: sealSignal(codec, place, payload) };
    const kept = await store.addSignal(runId, signal, { signalsMax: bounds.stepNamesMax });
    if (kept === 'added') {
      run.arrive(name, payload);
      return true;
    }
  } catch (thrown) {
    run.forget(name);
    throw thrown;
  }
  run.forget(name);
  return false;
}

async function cancelRun(
  { store, codec, residents, bounds }: Parts,
  { tenant, runId }: Place,
  reason: StopReason,
): Promise<boolean> {
  let run: Run | undefined;
  try {
    run = await residents.load(tenant, runId);
  } catch (thrown) {
    // Nobody can go on with it, unless the key comes back: whoever cancels it says not to wait for that.
    if (isWithoutKey(thrown)) return residents.end(tenant, runId, reasonOf(thrown));
    throw thrown;
  }
  if (run === undefined) return false;
  const payload = sealSignal(codec, { tenant, runId, name: cancelSignal }, reason);
  const signal = { name: cancelSignal, payload };
  await store.addSignal(runId, signal, { signalsMax: bounds.stepNamesMax + 1 });
  if (run.stop(reason)) return true;
  // It left memory meanwhile, or is over: once it is read again it knows of the cancel that is kept.
  const again = await residents.load(tenant, runId);
  return again?.stop(reason) ?? false;
}

/** Why it was interrupted. */
function reasonOf(fault: HostError): HostError {
  return isWithoutKey(fault.cause) ? fault.cause : fault;
}

async function findStatus(
  { store, codec, residents }: Parts,
  tenant: string,
  runId: string,
): Promise<RunStatus | undefined> {
  const status = residents.status(tenant, runId);
  if (status !== undefined) return status;
  const kept = await store.find(runId);
  return kept?.tenant === tenant ? showStatus(codec, kept) : undefined;
}

async function drain(
  { clock, intake, residents, feeds }: Parts,
  timeoutMs: number,
): Promise<{ interrupted: number }> {
  let interrupted = 0;
  const cancelTimer = clock.setTimer(timeoutMs, () => {
    interrupted = residents.interruptAll(drainingError());
  });
  await intake.close();
  residents.settle();
  await residents.idle();
  cancelTimer();
  // Whoever follows what goes on after a restart comes back then.
  feeds.failAll(drainingError());
  return { interrupted };
}

function drainingError(): HostError {
  return new HostError('draining', 'the host is shutting down', { retryAfterMs: 1_000 });
}

async function replay(
  { programs, store, codec, turn, bounds }: Parts,
  { tenant, runId }: Place,
): Promise<RunReplay> {
  const record = await store.read(runId);
  if (record?.run.tenant !== tenant) throw notFound(runId);
  const program = findProgram(programs, record.run.programVersion);
  const { stepNamesMax } = bounds;
  const origin = await openOrigin({ codec, turn }, record);
  return replayRun({ origin, program, stepNamesMax, turn });
}

async function forkRun(
  { programs, store, codec, intake, bounds, turn, clock }: Parts,
  { tenant, runId }: Place,
  { runId: forkId, atStep, change, anew = () => [] }: RunFork,
): Promise<{ readonly created: boolean }> {
  const record = await store.read(runId);
  if (record?.run.tenant !== tenant) throw notFound(runId);
  const { programVersion } = record.run;
  findProgram(programs, programVersion);
  const frames = await openFrames({ codec, turn }, record);
  const cut = cutBefore(frames, atStep);
  if (cut === undefined) throw notForkable(runId, atStep, exampleSteps(frames));
  const input = openInput(codec, record);
  const { rootRunId = runId } = input;
  const own = { runId: forkId, rootRunId };
  const changed = await change({ ...input, ...own }, cut.firstStep);
  const forked = { ...changed, ...own, principal: { ...changed.principal, tenant } };
  const { stepNamesMax } = bounds;
  const makeProgram = (): RunProgram => findProgram(programs, programVersion);
  const others = anew(forked, cut.firstStep);
  const { frames: prefix } = (others.length > 0 && cutBefore(frames, atStep, others)) || cut;
  const check = { makeProgram, prefix, source: input, stepNamesMax, turn, now: () => clock.now() };
  await checkFork({ ...check, steps: [atStep, ...others] }, forked);
  return intake.startFrom({ input: forked, prefix }, programVersion);
}

function notForkable(runId: string, step: string, examples: readonly string[]): HostError {
  const others = examples.length === 0 ? '' : `; it can be at ${examples.join(', ')}`;
  const message = `the run ${runId} cannot be forked at ${step}${others}`;
  return new HostError('failed_precondition', message, { facts: { step } });
}

function notFound(runId: string): HostError {
  return new HostError('not_found', `there is no run ${runId}`);
}

async function* follow(
  parts: Parts,
  { tenant, runId }: Place,
  options: { readonly afterSequence: number; readonly signal: AbortSignal },
): AsyncGenerator<RunEvent, void> {
  const { store, codec, feeds, residents } = parts;
  const find = async (): Promise<RunStatus | undefined> => findStatus(parts, tenant, runId);
  const wasResident = residents.has(runId);
  let status = await find();
  // It may have ended while its status was read; once it has, nothing changes.
  if (wasResident && !residents.has(runId)) status = await find();
  if (status === undefined) throw notFound(runId);
  const { lastSequence, state } = status;
  yield* followRun({
    ...options,
    source: { store, codec, tenant, runId },
    feed: feeds.open(runId, { lastSequence, isEnded: state === 'finished' }),
    status: find,
    onLeave: () => {
      if (!residents.has(runId)) feeds.release(runId);
    },
  });
}
