import { dirname } from 'node:path';
import {
  agentLoopVersion,
  createAgentLoop,
  createBudgetLedger,
  createSessionIntake,
} from '@modelhost/agent-core';
import type { SessionIntake } from '@modelhost/agent-core';
import { createEmbeddedEngine, createSealingCodec } from '@modelhost/engine-embedded';
import type { EmbeddedEngine } from '@modelhost/engine-embedded';
import type { RunProgram, SessionStore } from '@modelhost/kernel';
import { openSqliteStore } from '@modelhost/store-sqlite';
import type { StoreWitness } from '@modelhost/store-sqlite';
import type { Logger } from 'pino';
import type { Parts } from '../compose.ts';
import type { RunsConfig } from '../config/tree.ts';
import { logRuns } from '../log-runs.ts';
import { tryRoom } from './disk-room.ts';
import { createRunStarts } from './run-starts.ts';
import type { RunStarts } from './run-starts.ts';
import { watchRoom } from './watch-room.ts';

const dayMs = 86_400_000;

/** Runs and the conversations that they belong to. */
export interface Runs {
  readonly engine: EmbeddedEngine;
  readonly sessions: SessionStore;
  /** The way of runs into their sessions. */
  readonly intake: SessionIntake;
  /** Tells those who watch which runs start. */
  readonly starts: RunStarts;
  /** Where both are kept. */
  readonly storage: { check(): Promise<void> };
}

/** What runs need. */
export interface OpenRunsOptions {
  readonly parts: Parts;
  readonly log: Logger;
  /** Where they are kept; made when it is not there. No other process may have it. */
  readonly directory: string;
  readonly witness: StoreWitness;
  readonly runsInFlightMax: number;
  readonly runs: RunsConfig;
}

/** Runs that are open, and how they are closed: what they only wait for goes on after the next start. */
export type OpenedRuns = Runs & { close(): Promise<void> };

/** Puts the loop on the engine, and sessions beside it. Runs that were interrupted go on from here by themselves. */
export async function openRuns(options: OpenRunsOptions): Promise<OpenedRuns> {
  const { parts, log, directory, runsInFlightMax, runs } = options;
  const codec = createSealingCodec(parts.keys);
  const store = await openSqliteStore({ directory, witness: options.witness });
  await using opened = new AsyncDisposableStack();
  opened.defer(async () => store.close());
  const sessions = store.sessions(codec);
  const watched = watchRoom({
    store: store.runs,
    check: async () => store.check(),
    // The directory itself has only files of the store.
    tryRoom: async (bytes) => tryRoom(dirname(directory), bytes),
  });
  // Each performance of a run counts its budget anew, from its journal.
  const createProgram = (): RunProgram =>
    createAgentLoop({ ...parts, budgets: createBudgetLedger(), sessions });
  const engine = await createEmbeddedEngine({
    programs: {
      current: agentLoopVersion,
      versions: new Map([[agentLoopVersion, createProgram]]),
    },
    store: watched.store,
    clock: parts.clock,
    codec,
    turn: async () => new Promise((resolve) => setImmediate(resolve)),
    bounds: {
      runsInFlightMax,
      runsKeptMs: runs.days * dayMs,
      eventsKeptMs: runs.eventDays * dayMs,
      parkAfterMs: runs.parkAfterMs,
    },
    ...logRuns(log),
    onFault: (runId, fault) => log.error({ runId, err: fault }, fault.message),
  });
  opened.defer(async () => engine.close());
  const closing = opened.move();
  return {
    engine,
    sessions,
    intake: createSessionIntake({ sessions, engine, clock: parts.clock }),
    starts: createRunStarts(),
    storage: {
      check: async () => {
        // Whoever follows a run is told where it finds damage.
        await engine.check();
        await watched.check();
      },
    },
    close: async () => closing.disposeAsync(),
  };
}
