import { createAgentLoop, createBudgetLedger, createCallLedger } from '@modelhost/agent-core';
import { createHostRedactor } from '@modelhost/redaction';
import type { AgentLoopPorts } from '@modelhost/agent-core';
import type { EngineBounds } from '@modelhost/engine-embedded';
import { sha256Hex } from '@modelhost/kernel';
import type { BudgetAmount, EventLog, RunEngine, RunProgram } from '@modelhost/kernel';
import { createTestEngine } from '../test-engine.ts';
import { createVirtualClock } from '../virtual-clock.ts';
import { createClients } from './clients.ts';
import type { Seen } from './clients.ts';
import { createFacts } from './facts.ts';
import type { Fact } from './facts.ts';
import { createFakeAudit, createFakePolicy, fakeKeys } from './fake-governance.ts';
import { createFakeProvider } from './fake-provider.ts';
import { createFakeTools, fakeSchemas } from './fake-tools.ts';
import { checkLaws } from './laws.ts';
import { createOutside, createReplay } from './outside.ts';
import type { Outside, Recording } from './outside.ts';
import { createRandom } from './random.ts';
import { drawScenario } from './scenario.ts';
import { watchClock, watchLedger, watchProgram } from './watch.ts';
import type { World } from './world.ts';

/** A planted bug: it changes what lies between the loop and its ports, never the loop or the engine themselves. */
export interface Mutant {
  readonly ports?: (ports: AgentLoopPorts) => AgentLoopPorts;
  readonly program?: (program: RunProgram) => RunProgram;
  readonly host?: (host: RunEngine & EventLog) => RunEngine & EventLog;
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
  const { outside, tieBreak, mutant } = options;
  const startMs = 1_750_000_000_000;
  const clock = createVirtualClock({ startMs, tieBreak });
  const world: World = {
    clock,
    outside,
    facts: createFacts(() => clock.now()),
    ledger: createBudgetLedger(),
    steps: new Map(),
    open: new Set(),
  };
  const scenario = outside.take('scenario', drawScenario);
  const charges = new Map<string, BudgetAmount>();
  const signals = new Set<AbortSignal>();
  const ports = createPorts(world, charges);
  const loop = createAgentLoop(mutant?.ports?.(ports) ?? ports);
  const engine: RunEngine & EventLog = await createTestEngine({
    program: watchProgram(world, mutant?.program?.(loop) ?? loop, signals),
    clock: watchClock(world, () => engine.runsInFlight() === 0),
    bounds: {
      eventsMax: scenario.eventsMax,
      abortGraceMs: 2_000,
      stopTimeoutMs,
      ...mutant?.bounds,
    },
  });
  const host = mutant?.host?.(engine) ?? engine;
  const clients = createClients(world, host, scenario);
  const callbacks = await clock.runAll(callbacksMax);
  await checkLaws({ world, scenario, host, clients, charges, signals, stopTimeoutMs, redactor });
  return {
    violations: world.facts.violations,
    endings: await Promise.all(
      scenario.runs.map(async ({ tenant, runId }) => endingOf(host, tenant, runId)),
    ),
    sights: sightsOf(world.facts.all, clients.seen),
    traceHash: sha256Hex(JSON.stringify(world.facts.all)),
    eventsHash: sha256Hex(JSON.stringify([...clients.whole])),
    recording: outside.recording(),
    callbacks,
    virtualMs: clock.now() - startMs,
  };
}

/** It keeps nothing of a world but what takes long to make. */
const redactor = createHostRedactor({
  always: { secrets: 'token', email: 'placeholder' },
  keys: fakeKeys,
});

function createPorts(world: World, charges: Map<string, BudgetAmount>): AgentLoopPorts {
  return {
    providers: new Map([['fake', createFakeProvider(world)]]),
    tools: createFakeTools(world),
    schemas: fakeSchemas,
    policy: createFakePolicy(world),
    audit: createFakeAudit(world),
    keys: fakeKeys,
    redactor,
    budgets: watchLedger(world, charges),
    calls: createCallLedger(),
  };
}

function sightsOf(facts: readonly Fact[], seen: readonly Seen[]): readonly string[] {
  const sights = seen.flatMap(({ error }) =>
    error === undefined ? [] : [`follower ${error.code}`],
  );
  for (const fact of facts) {
    if (fact.type === 'effect') sights.push('effect');
    if (fact.type === 'resumed') sights.push('resumed');
    if (fact.type === 'answered') sights.push(`answer ${fact.isAccepted ? 'taken' : 'refused'}`);
    if (fact.type !== 'event') continue;
    const { body } = fact.event;
    if (body.type === 'tool-finished') sights.push(`tool ${body.outcome}`);
    if (body.type === 'tool-progress') sights.push('progress');
    if (body.type === 'input-resolved') sights.push(`input ${body.action}`);
    if (body.type === 'approval-resolved')
      sights.push(`approval ${body.approved ? 'yes' : body.by}`);
  }
  return sights;
}

async function endingOf(host: RunEngine, tenant: string, runId: string): Promise<string> {
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
