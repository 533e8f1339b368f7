import { createAgentLoop, createBudgetLedger, createCallLedger } from '@modelhost/agent-core';
import type { SessionIntake } from '@modelhost/agent-core';
import { createHostRedactor } from '@modelhost/redaction';
import type { AgentLoopPorts } from '@modelhost/agent-core';
import { createMemoryRunStore } from '@modelhost/engine-embedded';
import type { EmbeddedEngine, EngineBounds, RunStore } from '@modelhost/engine-embedded';
import { sha256Hex } from '@modelhost/kernel';
import type { PolicyEngine, RunProgram, SessionStore } from '@modelhost/kernel';
import { createVirtualClock } from '../virtual-clock.ts';
import type { VirtualClock } from '../virtual-clock.ts';
import { createClients } from './clients.ts';
import type { Seen } from './clients.ts';
import { watchConversations } from './conversations.ts';
import { createDeployment } from './deployment.ts';
import type { Host, ProcessParts } from './deployment.ts';
import { takeFork } from './draw-forks.ts';
import { takeSessions } from './draw-sessions.ts';
import { createFacts } from './facts.ts';
import type { Fact } from './facts.ts';
import { createFakeAudit, createFakePolicy, fakeKeys } from './fake-governance.ts';
import { createFakeProvider } from './fake-provider.ts';
import { createFakeTools, fakeSchemas } from './fake-tools.ts';
import { takeGovernance } from './governance.ts';
import { watchJournal } from './journal-watch.ts';
import { checkLaws } from './laws.ts';
import { createOutside, createReplay } from './outside.ts';
import type { Outside, Recording } from './outside.ts';
import { createRandom } from './random.ts';
import { createRuledPolicy, watchPolicy } from './ruled-policy.ts';
import { drawScenario, worldStartMs } from './scenario.ts';
import type { Scenario } from './scenario.ts';
import { checkSessions } from './session-laws.ts';
import { watchClock, watchLedger, watchProgram } from './watch.ts';
import type { Charge } from './watch.ts';
import type { HostWorld, World } from './world.ts';

/** A planted bug: it changes what lies between the loop and its ports, never the loop or the engine themselves. */
export interface Mutant {
  readonly ports?: (ports: AgentLoopPorts) => AgentLoopPorts;
  readonly program?: (program: RunProgram) => RunProgram;
  readonly host?: (host: Host) => Host;
  readonly engine?: (engine: EmbeddedEngine) => EmbeddedEngine;
  /** Between an engine and its store. */
  readonly store?: (store: RunStore) => RunStore;
  /** Between a process and its conversations. */
  readonly sessions?: (sessions: SessionStore) => SessionStore;
  readonly intake?: (intake: SessionIntake) => SessionIntake;
  /** Whether a process that is replaced can go on writing. */
  readonly isUnfenced?: boolean;
  readonly bounds?: Partial<EngineBounds>;
}

/** What came of a simulated world. */
export interface Simulated {
  readonly violations: readonly string[];
  /** How each run ended. */
  readonly endings: readonly string[];
  /** What else was seen, for knowing what the seeds cover. */
  readonly sights: readonly string[];
  /** Everything that happened, in order. */
  readonly traceHash: string;
  /** Every event of every run. */
  readonly eventsHash: string;
  readonly recording: Recording;
  readonly callbacks: number;
  readonly virtualMs: number;
}

const stopTimeoutMs = 20_000;
/** Callbacks of the clock in one world; no world that ends needs so many. */
const callbacksMax = 50_000;

/** Runs the world of a seed to its end: the real loop, ledger and engine between fakes of everything else. */
export async function simulateSeed(seed: number, mutant?: Mutant): Promise<Simulated> {
  const random = createRandom(`${seed}/order`);
  const ties: number[] = [];
  const tieBreak = (): number => {
    const tie = random.next();
    ties.push(tie);
    return tie;
  };
  const outside = createOutside(seed);
  const simulated = await runWorld({ outside, tieBreak, mutant });
  outside.take('order', () => ties);
  return simulated;
}

/** Runs the world again with what the outside did then: nothing is drawn, so the same must come out. */
export async function replay(recording: Recording, mutant?: Mutant): Promise<Simulated> {
  const outside = createReplay(recording);
  const ties = outside.take('order', (): readonly number[] => []);
  let used = 0;
  const tieBreak = (): number => {
    used += 1;
    return ties[used - 1] ?? 0;
  };
  return runWorld({ outside, tieBreak, mutant });
}

async function runWorld(options: {
  readonly outside: Outside;
  readonly tieBreak: () => number;
  readonly mutant: Mutant | undefined;
}): Promise<Simulated> {
  const { outside, tieBreak, mutant = {} } = options;
  const clock = createVirtualClock({ startMs: worldStartMs, tieBreak });
  const world = createWorld(outside, clock);
  const { facts } = world;
  const scenario = takeScenario(outside);
  const charges = new Map<string, Charge>();
  const signals = new Set<AbortSignal>();
  let open: ReadonlySet<string> = new Set();

  const deployment = createDeployment({
    world,
    clock,
    scenario,
    bounds: {
      eventsMax: scenario.eventsMax,
      parkAfterMs: scenario.parkAfterMs,
      storeRetryMs: 300,
      abortGraceMs: 2_000,
      stopTimeoutMs,
      ...mutant.bounds,
    },
    isUnfenced: mutant.isUnfenced ?? false,
    changeStore: (store) => mutant.store?.(store) ?? store,
    changeEngine: (engine) => mutant.engine?.(engine) ?? engine,
    changeSessions: (store) => mutant.sessions?.(store) ?? store,
    changeIntake: (intake) => mutant.intake?.(intake) ?? intake,
    furnish: (parts, store) => {
      const own = createHostWorld(world, parts);
      const ports = { ...createPorts(own, charges), sessions: store };
      const changed = mutant.ports?.(ports) ?? ports;
      const loop = createAgentLoop({ ...changed, policy: watchPolicy(own, changed.policy) });
      const program = watchProgram(own, mutant.program?.(loop) ?? loop, signals);
      ({ open } = own);
      return { program, clock: watchClock(own, parts.nowMs) };
    },
  });
  const host = mutant.host?.(deployment.host) ?? deployment.host;
  const clients = createClients(world, host, scenario);
  if (scenario.drainAfterMs !== null) {
    clock.setTimer(scenario.drainAfterMs, () => void deployment.drain(scenario.drainTimeoutMs));
  }
  const callbacks = await clock.runAll(callbacksMax);
  const restarts = deployment.restarts();
  const parts = { world, scenario, host, clients, charges, signals, open, restarts };
  const after = { ...parts, stopTimeoutMs, redactor };
  await checkSessions(after, {
    sessions: mutant.sessions?.(world.conversations.store) ?? world.conversations.store,
    runAll: async () => clock.runAll(callbacksMax),
  });
  await checkLaws(after);
  return {
    violations: facts.violations,
    endings: await Promise.all(
      scenario.runs.map(async ({ tenant, runId }) => endingOf(host, tenant, runId)),
    ),
    sights: [
      ...sightsOf(facts.all, clients.seen),
      ...Array.from({ length: restarts }, () => 'restart'),
    ],
    traceHash: sha256Hex(JSON.stringify(facts.all)),
    eventsHash: sha256Hex(JSON.stringify([...clients.whole])),
    recording: outside.recording(),
    callbacks,
    virtualMs: clock.now() - worldStartMs,
  };
}

function takeScenario(outside: Outside): Scenario {
  const drawn = outside.take('scenario', drawScenario);
  const sessions = takeSessions(outside);
  const fork = takeFork(outside);
  return {
    ...drawn,
    ...(sessions === null ? {} : { runs: sessions.runs, sessions }),
    // Where the clock is set nobody knows which events of a fork are older than itself.
    ...(fork === null || drawn.jump !== null ? {} : { fork }),
  };
}

function createWorld(outside: Outside, clock: VirtualClock): World {
  const facts = createFacts(() => clock.now());
  const governance = takeGovernance(outside);
  const conversations = watchConversations(facts);
  return {
    clock,
    outside,
    facts,
    journal: watchJournal(createMemoryRunStore(), { facts, governance, conversations }),
    conversations,
    tasks: new Map(),
    decidedUnder: new Map(),
    governance,
    decisions: new Set(),
    setAside: new Map(),
    count: createCounter(),
  };
}

function createHostWorld(world: World, { clock, processId, isFenced }: ProcessParts): HostWorld {
  return {
    ...world,
    clock,
    processId,
    isFenced,
    ledger: createBudgetLedger(),
    budgetScopes: new Set(),
    reservations: new Map(),
    steps: new Map(),
    lives: new Map(),
    open: new Set(),
  };
}

function createCounter(): (name: string) => number {
  const counts = new Map<string, number>();
  return (name) => {
    const next = (counts.get(name) ?? 0) + 1;
    counts.set(name, next);
    return next;
  };
}

/** It keeps nothing of a world but what takes long to make. */
const redactor = createHostRedactor({
  always: { secrets: 'token', email: 'placeholder' },
  keys: fakeKeys,
});

function createPorts(world: HostWorld, charges: Map<string, Charge>): AgentLoopPorts {
  return {
    providers: new Map([['fake', createFakeProvider(world)]]),
    tools: createFakeTools(world),
    schemas: fakeSchemas,
    policy: createPolicy(world),
    audit: createFakeAudit(world),
    keys: fakeKeys,
    redactor,
    budgets: watchLedger(world, charges),
    calls: createCallLedger(),
  };
}

function createPolicy(world: HostWorld): PolicyEngine {
  return world.governance.rules === null ? createFakePolicy(world) : createRuledPolicy(world);
}

function sightsOf(facts: readonly Fact[], seen: readonly Seen[]): readonly string[] {
  const sights = seen.flatMap(({ error }) =>
    error === undefined ? [] : [`follower ${error.code}`],
  );
  for (const fact of facts) {
    if (fact.type === 'effect') sights.push('effect');
    if (fact.type === 'decided') sights.push(`decided ${fact.effect}`);
    if (fact.type === 'resumed') sights.push('resumed');
    if (fact.type === 'answered') sights.push(`answer ${fact.isAccepted ? 'taken' : 'refused'}`);
    if (fact.type !== 'event') continue;
    const { body } = fact.event;
    if (body.type === 'tool-finished') sights.push(`tool ${body.outcome}`);
    if (body.type === 'tool-progress') sights.push('progress');
    if (body.type === 'context-compacted') sights.push(`compacted ${body.method}`);
    if (body.type === 'step-reset') sights.push('reset');
    if (body.type === 'input-resolved') sights.push(`input ${body.action}`);
    if (body.type === 'approval-resolved')
      sights.push(`approval ${body.approved ? 'yes' : body.by}`);
  }
  return sights;
}

async function endingOf(host: Host, tenant: string, runId: string): Promise<string> {
  const ending = (await host.status(tenant, runId))?.result?.ending;
  switch (ending?.reason) {
    case undefined:
      return 'refused';
    case 'budget_exceeded':
      return `budget_exceeded ${ending.budget}`;
    case 'failed':
      return `failed ${ending.error.code}`;
    case 'completed':
    case 'denied':
    case 'cancelled':
    case 'deadline':
      return ending.reason;
  }
}
