import { createSessionIntake } from '@modelhost/agent-core';
import type { SessionIntake, SessionWish } from '@modelhost/agent-core';
import { createEmbeddedEngine, createPlainCodec } from '@modelhost/engine-embedded';
import type { EmbeddedEngine, EngineBounds, RunStore } from '@modelhost/engine-embedded';
import type { RunInput, RunProgram, SessionPlace, SessionStore } from '@modelhost/kernel';
import { createCrashableStore } from '../crash/crashable-store.ts';
import { createProcess } from '../crash/process.ts';
import type { Process, ProcessClock } from '../crash/process.ts';
import type { VirtualClock } from '../virtual-clock.ts';
import { createProcessStore } from './process-store.ts';
import type { ProcessPlan, Scenario } from './scenario.ts';
import { watchQueues } from './session-queues.ts';
import type { World } from './world.ts';

/** The engine of a host and its conversations, as clients reach them. */
export type Host = Pick<
  EmbeddedEngine,
  'start' | 'fork' | 'signal' | 'cancel' | 'status' | 'follow' | 'replay' | 'runsInFlight'
> &
  Pick<SessionStore, 'create' | 'find'> & {
    /** Starts a run that goes on with a session. */
    startIn(
      input: RunInput,
      wish: Pick<SessionWish, 'sessionId' | 'signal' | 'timeoutMs'>,
    ): Promise<{ readonly created: boolean }>;
    /** Undefined for one that is not there. */
    remove(place: SessionPlace): Promise<number | undefined>;
  };

/** The process that a client was talking to is gone, and nobody knows what it has done. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** A host in one process after the other, over one store. */
export interface Deployment {
  /** The newest process; it loses whoever asks when it is killed. */
  readonly host: Host;
  /** Lets the host end by itself; another process starts after it. */
  drain(timeoutMs: number): Promise<void>;
  /** How often a process was replaced. */
  restarts(): number;
}

/** What the program of a process needs to know of it. */
export interface ProcessParts {
  readonly processId: number;
  readonly isFenced: () => boolean;
  readonly clock: ProcessClock;
  /** As the machine shows it. */
  readonly nowMs: () => number;
}

/** What a process serves its clients with. */
interface Server {
  readonly engine: EmbeddedEngine;
  readonly sessions: SessionStore;
  readonly intake: SessionIntake;
}

/** What a deployment is made of. */
export interface DeploymentOptions {
  readonly world: World;
  readonly clock: VirtualClock;
  readonly scenario: Scenario;
  readonly bounds: Partial<EngineBounds> & Pick<EngineBounds, 'stopTimeoutMs' | 'abortGraceMs'>;
  /** Program and clock of an engine, for one process. */
  readonly furnish: (
    parts: ProcessParts,
    sessions: SessionStore,
  ) => {
    readonly program: RunProgram;
    readonly clock: ProcessClock;
  };
  readonly changeStore: (store: RunStore) => RunStore;
  readonly changeEngine: (engine: EmbeddedEngine) => EmbeddedEngine;
  readonly changeSessions: (sessions: SessionStore) => SessionStore;
  readonly changeIntake: (intake: SessionIntake) => SessionIntake;
  /** Whether a process that is replaced can go on writing. */
  readonly isUnfenced: boolean;
}

interface Life {
  readonly process: Process;
  readonly lost: Promise<never>;
  readonly server: Promise<Server>;
  isDraining: boolean;
  inFlight: () => number;
}

const livesOn: ProcessPlan = {
  end: { type: 'lives' },
  tail: 0,
  downMs: 100,
  failingChanges: [],
  failingReads: [],
};

/** Starts the first process. */
export function createDeployment(options: DeploymentOptions): Deployment {
  const { world, clock, scenario } = options;
  let newest = 0;
  let skewMs = 0;
  let life = begin();
  if (scenario.jump !== null) {
    const { afterMs, byMs } = scenario.jump;
    clock.setTimer(afterMs, () => {
      skewMs += byMs;
    });
  }

  function begin(): Life {
    newest += 1;
    const processId = newest;
    const plan = scenario.processes[processId - 1] ?? livesOn;
    const process = createProcess(clock);
    const isFenced = (): boolean => newest !== processId;
    const server = openServer(options, plan, {
      process,
      parts: { processId, isFenced, clock: process.clock, nowMs: () => clock.now() + skewMs },
    });
    const lost = process.died.then(() => {
      throw new ConnectionLost();
    });
    lost.catch(() => {});
    void process.died.then(() => {
      if (isFenced()) return;
      clock.setTimer(plan.downMs, () => {
        if (!isFenced()) life = begin();
      });
    });
    planEnd(plan, process, isFenced);
    const begun: Life = { process, lost, server, isDraining: false, inFlight: () => 0 };
    void server.then(({ engine }) => {
      begun.inFlight = () => engine.runsInFlight();
    });
    return begun;
  }

  function planEnd({ end }: ProcessPlan, process: Process, isFenced: () => boolean): void {
    switch (end.type) {
      case 'lives':
      case 'change':
        return;
      case 'time':
        clock.setTimer(end.afterMs, () => process.kill());
        return;
      case 'takeover':
        clock.setTimer(end.afterMs, () => {
          if (!process.isAlive() || isFenced()) return;
          life = begin();
          clock.setTimer(end.lingerMs, () => process.kill());
        });
    }
  }

  return {
    host: connect(world, () => life),
    restarts: () => newest - 1,
    drain: async (timeoutMs) => {
      const drained = life;
      if (!drained.process.isAlive()) return;
      await drainLife(options, drained, timeoutMs).catch(passOver);
      drained.process.kill();
    },
  };
}

async function openServer(
  options: DeploymentOptions,
  plan: ProcessPlan,
  { process, parts }: { readonly process: Process; readonly parts: ProcessParts },
): Promise<Server> {
  const { world, bounds, furnish, isUnfenced } = options;
  const { end, tail } = plan;
  const kept = { runs: world.journal.store, sessions: world.conversations.store };
  const faults = { ...plan, refusedTurns: options.scenario.sessions?.refusedTurns ?? [] };
  const shared = createProcessStore(kept, faults, isUnfenced ? () => false : parts.isFenced);
  const atChange = end.type === 'change' ? end.at : Infinity;
  const crashable = createCrashableStore(shared.runs, process, { atChange, tail });
  const sessions = options.changeSessions(crashable.sessions(shared.sessions));
  const { program, clock } = furnish(parts, sessions);
  const opened = await createEmbeddedEngine({
    programs: { current: '1', versions: new Map([['1', () => program]]) },
    store: options.changeStore(crashable.store),
    clock,
    codec: createPlainCodec(),
    turn: clock.turn,
    bounds,
  });
  const engine = options.changeEngine(opened);
  const intake = createSessionIntake({ sessions, engine, clock: parts.clock });
  return { engine, sessions, intake: watchQueues(world, options.changeIntake(intake)) };
}

/** I16: a drain ends within its time, with nothing left in memory. */
async function drainLife(
  { world, clock, bounds }: DeploymentOptions,
  life: Life,
  timeoutMs: number,
): Promise<void> {
  const { engine } = await within(life, life.server);
  const startedMs = clock.now();
  life.isDraining = true;
  await within(life, engine.drain(timeoutMs));
  const { facts } = world;
  const tookMs = clock.now() - startedMs;
  if (tookMs > timeoutMs + bounds.stopTimeoutMs) {
    facts.violate('I16', `a drain of ${timeoutMs} ms took ${tookMs} ms`);
  }
  if (engine.runsInFlight() > 0) facts.violate('I16', 'runs are in memory after a drain');
  await within(life, engine.close());
}

function passOver(thrown: unknown): void {
  if (!(thrown instanceof ConnectionLost)) throw thrown;
}

async function within<T>({ lost }: Life, work: Promise<T>): Promise<T> {
  return Promise.race([work, lost]);
}

/** The host at the other end of the line: whichever process is the newest when a call begins. */
function connect({ facts }: World, find: () => Life): Host {
  async function ask<T>(work: (server: Server) => Promise<T>): Promise<T> {
    const life = find();
    const server = await within(life, life.server);
    return within(life, work(server));
  }

  async function begin(
    work: (server: Server) => Promise<{ readonly created: boolean }>,
  ): Promise<{ readonly created: boolean }> {
    const { isDraining } = find();
    const started = await ask(work);
    if (isDraining && started.created) facts.violate('I16', 'a run began after the drain');
    return started;
  }

  return {
    start: async (input) => begin(async ({ engine }) => engine.start(input)),
    fork: async (...args) => begin(async ({ engine }) => engine.fork(...args)),
    startIn: async (input, wish) => begin(async (server) => startIn(server, input, wish)),
    signal: async (...args) => ask(async ({ engine }) => engine.signal(...args)),
    cancel: async (...args) => ask(async ({ engine }) => engine.cancel(...args)),
    status: async (...args) => ask(async ({ engine }) => engine.status(...args)),
    replay: async (...args) => ask(async ({ engine }) => engine.replay(...args)),
    follow: (...args) => follow(find(), args),
    runsInFlight: () => find().inFlight(),
    create: async (draft) => ask(async ({ sessions }) => sessions.create(draft)),
    find: async (place) => ask(async ({ sessions }) => sessions.find(place)),
    remove: async (place) => ask(async (server) => remove(server, place)),
  };
}

/** As the host takes in a run of a session, without what it asks policy. */
async function startIn(
  { engine, intake }: Server,
  input: RunInput,
  wish: Pick<SessionWish, 'sessionId' | 'signal' | 'timeoutMs'>,
): Promise<{ readonly created: boolean }> {
  const { runId, principal } = input;
  const isKnown = (await engine.status(principal.tenant, runId)) !== undefined;
  if (isKnown) return engine.start(input);
  return intake.start({ ...wish, runId, principal }, async (start) =>
    engine.start(start === undefined ? input : { ...input, ...start }),
  );
}

async function remove(
  { sessions, intake }: Server,
  place: SessionPlace,
): Promise<number | undefined> {
  const session = await sessions.find(place);
  return session === undefined ? undefined : intake.remove(session);
}

async function* follow(
  life: Life,
  args: Parameters<EmbeddedEngine['follow']>,
): ReturnType<EmbeddedEngine['follow']> & AsyncGenerator {
  const { engine } = await within(life, life.server);
  const events = engine.follow(...args)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await within(life, events.next());
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // Nobody of a process that was killed is left to say goodbye to.
    if (life.process.isAlive()) await events.return?.();
  }
}
