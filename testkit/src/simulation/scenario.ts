import type { BudgetLimits, Message, RunInput, ToolDefinition } from '@modelhost/kernel';
import { createRunInput } from '../run-input.ts';
import type { ForkPlan } from './draw-forks.ts';
import type { Random } from './random.ts';
import { historyOf, narrow } from './window.ts';
import type { WindowPlan } from './window.ts';

/** One run of a simulated world. */
export interface RunPlan {
  readonly runId: string;
  readonly tenant: string;
  readonly startAfterMs: number;
  readonly limits: BudgetLimits;
  readonly maxOutputTokens: number;
  readonly toolCallsInFlightMax: number;
  readonly approvalTimeoutMs: number;
  readonly hasClientTool: boolean;
  readonly mayBeSampled: boolean;
  readonly isSearched: boolean;
  readonly wantsJson: boolean;
  /** Whether it goes on with a conversation in which a model has spoken. */
  readonly hasHistory: boolean;
  /** Null when nobody cancels it. */
  readonly cancelAfterMs: number | null;
  readonly followers: readonly FollowerPlan[];
  /** Absent for a run of no session. */
  readonly session?: SessionWishPlan;
}

/** One client that follows a run. */
export interface FollowerPlan {
  readonly startAfterMs: number;
  readonly afterSequence: number;
  /** How long it sleeps after each event. */
  readonly pauseMs: number;
  /** It breaks off after so many events and comes back; 0 for never. */
  readonly reconnectEvery: number;
}

/** What one seed simulates. */
export interface Scenario {
  readonly runs: readonly RunPlan[];
  readonly eventsMax: number;
  /** Null when the host is not drained. */
  readonly drainAfterMs: number | null;
  readonly drainTimeoutMs: number;
  /** What becomes of each process of the host, the first one first; one that is not listed lives on. */
  readonly processes: readonly ProcessPlan[];
  /** How long a run waits before it leaves memory. */
  readonly parkAfterMs: number;
  /** The clock of the host's machine is set; null for never. */
  readonly jump: { readonly afterMs: number; readonly byMs: number } | null;
  /** Meanwhile the provider refuses everybody. */
  readonly storm: { readonly fromMs: number; readonly toMs: number } | null;
  /** Absent where no run has a session; else all have one. */
  readonly sessions?: SessionsPlan;
  /** Of the first run. Absent where nobody forks it. */
  readonly fork?: ForkPlan;
}

/** What goes on with the conversations of a simulated world. */
export interface SessionsPlan {
  /** Each of them goes on with one. */
  readonly runs: readonly RunPlan[];
  /** After which share of the turns that there are the branch begins. */
  readonly branchShare: number;
  /** Runs whose turn the store does not take. */
  readonly refusedTurns: readonly string[];
  readonly deletions: readonly DeletionPlan[];
}

/** Somebody wants a session gone. */
export interface DeletionPlan {
  readonly name: SessionName;
  readonly afterMs: number;
}

/** What people call it: the second one is a branch of the first. */
export type SessionName = 'talk' | 'branch';

/** How a client wants to go on with a session. */
export interface SessionWishPlan {
  readonly name: SessionName;
  /** How long its call may take. */
  readonly timeoutMs: number;
  /** It gives up the first time, and comes back; null for never. */
  readonly patienceMs: number | null;
  /** The same request is on its way twice at once. */
  readonly isTwice: boolean;
}

/** How a process of the host ends. */
export interface ProcessPlan {
  readonly end:
    | { readonly type: 'lives' }
    /** Killed when it changes what is kept for the n-th time. */
    | { readonly type: 'change'; readonly at: number }
    | { readonly type: 'time'; readonly afterMs: number }
    /** Another process takes over what is kept, while this one goes on for a while. */
    | { readonly type: 'takeover'; readonly afterMs: number; readonly lingerMs: number };
  /** How much of what was not acknowledged is kept, from 0 to 1. */
  readonly tail: number;
  /** How long it takes until the next one starts. */
  readonly downMs: number;
  /** Changes of what is kept, and reads of it, that fail: by number, from 1. */
  readonly failingChanges: readonly number[];
  readonly failingReads: readonly number[];
}

export const tenants: readonly [string, ...string[]] = ['acme', 'bolt'];

/** When every simulated world begins. */
export const worldStartMs = 1_750_000_000_000;

/** Draws what a seed simulates: mostly one run, sometimes several side by side. */
export function drawScenario(random: Random): Scenario {
  const runs = random.chance(0.85) ? 1 : random.int(2, 3);
  const processes = drawProcesses(random);
  // A follower of a process that is down loses what is not kept, so that is for hosts that live.
  const drainAfterMs = random.chance(0.05) ? random.int(0, 2_000) : null;
  const isShort = processes.length === 0 && drainAfterMs === null && random.chance(0.1);
  return {
    runs: Array.from({ length: runs }, (_, index) => drawRun(random, index + 1)),
    eventsMax: isShort ? random.int(20, 40) : 5_000,
    drainAfterMs,
    drainTimeoutMs: random.int(0, 3_000),
    processes,
    parkAfterMs: random.pick([0, 50, 60_000, 60_000]),
    jump: random.chance(0.04)
      ? { afterMs: random.int(0, 1_500), byMs: random.pick([-60_000, -700, 700, 60_000]) }
      : null,
    storm: random.chance(0.03) ? drawStorm(random) : null,
  };
}

function drawStorm(random: Random): Scenario['storm'] {
  const fromMs = random.int(0, 800);
  return { fromMs, toMs: fromMs + random.int(50, 2_000) };
}

function drawProcesses(random: Random): readonly ProcessPlan[] {
  if (random.chance(0.4)) return [];
  return Array.from({ length: random.pick([1, 1, 1, 2, 3, 5]) }, () => ({
    end: drawEnd(random),
    tail: random.pick([0, 0.5, 1]),
    downMs: random.pick([0, 30, 400, 3_000]),
    failingChanges: random.chance(0.15) ? drawFailing(random, 30) : [],
    failingReads: random.chance(0.1) ? drawFailing(random, 3) : [],
  }));
}

function drawEnd(random: Random): ProcessPlan['end'] {
  const roll = random.next();
  if (roll < 0.5) return { type: 'change', at: random.int(1, random.pick([12, 40])) };
  if (roll < 0.75) return { type: 'time', afterMs: random.int(0, 900) };
  if (roll < 0.9) {
    return { type: 'takeover', afterMs: random.int(1, 700), lingerMs: random.int(0, 2_000) };
  }
  return { type: 'lives' };
}

function drawFailing(random: Random, numberMax: number): readonly number[] {
  return Array.from({ length: random.int(1, 3) }, () => random.int(1, numberMax));
}

export function drawRun(random: Random, number: number): RunPlan {
  return {
    runId: `run_${number}`,
    tenant: random.pick(tenants),
    startAfterMs: random.int(0, 50),
    limits: {
      tokensMax: random.chance(0.2) ? random.int(20, 900) : random.int(2_000, 60_000),
      costMicroUsdMax: random.chance(0.12) ? random.int(0, 3_000) : 1_000_000,
      stepsMax: random.chance(0.25) ? random.int(1, 6) : random.int(8, 50),
      toolCallsMax: random.chance(0.25) ? random.int(0, 3) : random.int(6, 40),
      durationMsMax: random.chance(0.2) ? random.int(1, 1_000) : random.int(1_000, 60_000),
    },
    maxOutputTokens: random.int(1, 400),
    toolCallsInFlightMax: random.int(1, 4),
    approvalTimeoutMs: random.int(10, 3_000),
    hasClientTool: random.chance(0.4),
    mayBeSampled: random.chance(0.5),
    isSearched: random.chance(0.3),
    wantsJson: random.chance(0.1),
    cancelAfterMs: random.chance(0.4) ? random.int(0, random.pick([150, 2_000])) : null,
    followers: Array.from({ length: random.int(0, 2) }, () => drawFollower(random)),
    hasHistory: random.chance(0.1),
  };
}

function drawFollower(random: Random): FollowerPlan {
  return {
    startAfterMs: random.int(0, 800),
    afterSequence: random.chance(0.5) ? 0 : random.int(0, 12),
    pauseMs: random.chance(0.5) ? 0 : random.int(1, 60),
    reconnectEvery: random.chance(0.5) ? 0 : random.int(1, 6),
  };
}

/** The tools of the simulated world, one for each effect. */
export const tools: readonly ToolDefinition[] = [
  defineTool('read', 'none'),
  defineTool('note', 'idempotent'),
  defineTool('move', 'reversible'),
  defineTool('pay', 'irreversible'),
];

/** A tool that the client runs. */
export const clientTool: ToolDefinition = {
  ...defineTool('ask', 'none'),
  name: 'ask_user',
  server: 'client',
  executor: 'client',
};

function defineTool(name: string, effect: ToolDefinition['effect']): ToolDefinition {
  return {
    name: `desk__${name}`,
    description: 'A tool of the simulated desk.',
    inputSchema: { type: 'object', required: ['value'], properties: { value: { type: 'string' } } },
    effect,
    integrity: 'untrusted',
    decisionArguments: [],
    server: 'desk',
    serverTool: name,
    executor: 'host',
  };
}

const history: readonly Message[] = [
  { role: 'user', content: [{ type: 'text', text: 'before' }] },
  { role: 'assistant', content: 'said', toolCalls: [] },
];

/** What a run is to do. Of the runs of a session each says something else. */
export function taskOf({ runId, session }: RunPlan): string {
  return session === undefined ? 'go' : `go on with ${runId}`;
}

/** The input of a planned run, for a model with this window. */
export function inputOf(plan: RunPlan, window: WindowPlan | null): RunInput {
  const { runId, tenant, limits, maxOutputTokens, toolCallsInFlightMax, approvalTimeoutMs } = plan;
  const plain = createRunInput({ runId, tenant, limits });
  return {
    ...plain,
    input: [{ type: 'text', text: taskOf(plan) }],
    agent: {
      ...narrow(plain.agent, window),
      toolCallsInFlightMax,
      approvalTimeoutMs,
      toolCallTimeoutMs: 400,
      samplingServers: plan.mayBeSampled ? ['desk'] : [],
      toolSearch: plan.isSearched ? 'always' : 'never',
    },
    // In a session it is what was said there.
    history:
      plan.session === undefined ? [...historyOf(window), ...(plan.hasHistory ? history : [])] : [],
    sampling: { maxOutputTokens },
    clientTools: plan.hasClientTool ? [clientTool] : [],
    answerSchema: plan.wantsJson ? { type: 'object' } : undefined,
  };
}
