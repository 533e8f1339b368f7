import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { ReplayRunResponseSchema, ReplayVerdict } from '@modelhost/contracts';
import type { AgentService, ReplayResultSchema } from '@modelhost/contracts';
import { HostError } from '@modelhost/kernel';
import type { EventLog, Principal, RunEngine, RunEvent, RunReplay } from '@modelhost/kernel';
import { createTurns } from '../policy/turns.ts';
import { encodeEvent } from './event-encoder.ts';
import { toEventMessage } from './event-message.ts';
import { findRun } from './find-run.ts';
import { encode } from './service.ts';
import type { CallContext, Handlers } from './service.ts';

/** A replay takes a good part of the thread and all events of a run in memory: one at a time. */
const replaysWaitingMax = 8;

/** Replays finished runs, one after the other. Throws `overloaded` when too many wait. */
export function createReplayRun(
  engine: RunEngine & EventLog,
): Handlers<typeof AgentService>['replayRun'] {
  const turns = createTurns('replays', replaysWaitingMax);

  return async function* replayRun({ runId }, { principal, signal }: CallContext) {
    const { state } = await findRun(engine, principal, runId);
    if (state !== 'finished') {
      const message = `the run ${runId} is in flight; replay it when it is finished`;
      throw new HostError('failed_precondition', message, { facts: { run_id: runId } });
    }
    const replay = await turns.take(async () => {
      signal.throwIfAborted();
      return engine.replay(principal.tenant, runId);
    });
    // Both kinds of answers begin with the event, so its bytes are the same in them.
    for (const event of replay.events) yield encodeEvent(event);
    const value = await compare(engine, principal, { runId, replay, signal });
    const response = create(ReplayRunResponseSchema, { item: { case: 'result', value } });
    yield encode(ReplayRunResponseSchema, response);
  };
}

async function compare(
  engine: EventLog,
  { tenant }: Principal,
  { runId, replay, signal }: { runId: string; replay: RunReplay; signal: AbortSignal },
): Promise<MessageInitShape<typeof ReplayResultSchema>> {
  const { digest, recordedDigest } = replay;
  if (recordedDigest === undefined) return { verdict: ReplayVerdict.NOT_COMPARED, digest };
  if (digest === recordedDigest) return { verdict: ReplayVerdict.EQUAL, digest, recordedDigest };
  const difference = await firstDifference(
    engine.follow(tenant, runId, { afterSequence: 0, signal }),
    replay.events,
  );
  const { sequence, recorded } = difference;
  return {
    verdict: ReplayVerdict.DIFFERENT,
    digest,
    recordedDigest,
    firstDifference: BigInt(sequence),
    ...(recorded === undefined ? {} : { recordedEvent: toEventMessage(recorded) }),
  };
}

/** Where what was shown and what is shown now part, as far as what was shown is kept; 0 where that does not tell. */
async function firstDifference(
  shown: AsyncIterable<RunEvent>,
  replayed: readonly RunEvent[],
): Promise<{ readonly sequence: number; readonly recorded?: RunEvent }> {
  let next = 1;
  for await (const event of shown) {
    if (event.body.type === 'events-dropped') {
      next = event.body.toSequence + 1;
      continue;
    }
    if (JSON.stringify(replayed[event.sequence - 1]) !== JSON.stringify(event)) {
      return { sequence: event.sequence, recorded: event };
    }
    next = event.sequence + 1;
  }
  return { sequence: replayed.length >= next ? next : 0 };
}
