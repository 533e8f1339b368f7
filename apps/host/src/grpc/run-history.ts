import type { AgentService } from '@modelhost/contracts';
import { HostError } from '@modelhost/kernel';
import type { RunEngine } from '@modelhost/kernel';
import { findRun } from './find-run.ts';
import type { Handlers } from './service.ts';

type Service = Handlers<typeof AgentService>;

/** Replay, fork and watch, for an engine that keeps no journal: each run is looked up, and refused. */
export function createRunHistory(
  engine: RunEngine,
): Pick<Service, 'replayRun' | 'forkRun' | 'watchEvents'> {
  return {
    replayRun: async function* replayRun({ runId }, { principal }) {
      await findRun(engine, principal, runId);
      yield* refused(runId);
    },
    forkRun: async ({ runId }, { principal }) => {
      await findRun(engine, principal, runId);
      throw noJournal(runId);
    },
    watchEvents: async function* watchEvents() {
      yield* refused('');
    },
  };
}

// oxlint-disable-next-line require-yield
async function* refused(runId: string): AsyncGenerator<Buffer, void> {
  throw noJournal(runId);
}

function noJournal(runId: string): HostError {
  return new HostError('failed_precondition', `there is no journal of ${runId}`);
}
