import { agentLoopVersion, createAgentLoop, createBudgetLedger } from '@modelhost/agent-core';
import type { AgentLoopPorts } from '@modelhost/agent-core';
import {
  createEmbeddedEngine,
  createMemoryRunStore,
  createMemorySessionStore,
} from '@modelhost/engine-embedded';
import type { EmbeddedEngine } from '@modelhost/engine-embedded';
import type { Clock, RunProgram, SessionStore } from '@modelhost/kernel';
import type { Logger } from 'pino';
import { logRuns } from '../log-runs.ts';
import { createSessionIntake } from '../sessions/session-intake.ts';
import type { SessionIntake } from '../sessions/session-intake.ts';
import { createRunCodec } from './run-codec.ts';

/** Runs and the conversations that they belong to. Whoever opens them closes the engine. */
export interface Runs {
  readonly engine: EmbeddedEngine;
  readonly sessions: SessionStore;
  /** The way of runs into their sessions. */
  readonly intake: SessionIntake;
}

/** What runs need. */
export interface OpenRunsOptions {
  /** What the loop reaches; budgets and sessions are made here. */
  readonly ports: Omit<AgentLoopPorts, 'budgets' | 'sessions'>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly runsInFlightMax: number;
}

/** Puts the loop on the engine, and sessions beside it. */
export async function openRuns(options: OpenRunsOptions): Promise<Runs> {
  const { ports, clock, log, runsInFlightMax } = options;
  const sessions = createMemorySessionStore();
  const createProgram = (): RunProgram =>
    logRuns(createAgentLoop({ ...ports, budgets: createBudgetLedger(), sessions }), log);
  const engine = await createEmbeddedEngine({
    programs: {
      current: agentLoopVersion,
      versions: new Map([[agentLoopVersion, createProgram]]),
    },
    store: createMemoryRunStore(),
    clock,
    codec: createRunCodec(ports.keys),
    turn: async () => new Promise((resolve) => setImmediate(resolve)),
    bounds: { runsInFlightMax },
    onFault: (runId, fault) => log.error({ runId, err: fault }, 'a run is broken'),
  });
  return { engine, sessions, intake: createSessionIntake({ sessions, engine }) };
}
