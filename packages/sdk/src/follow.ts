import type { ClientReadableStream } from '@grpc/grpc-js';
import type { RunEvent } from '@modelhost/contracts';
import { brokenError, ModelHostError, rewoundOf, toModelHostError } from './error.ts';
import type { RewoundRun } from './error.ts';
import { readStream } from './method.ts';
import type { Patience } from './patience.ts';

/** An answer of Run or FollowRun. */
interface EventResponse {
  readonly event?: RunEvent | undefined;
}

/** How events are followed. */
export interface Following {
  /** Opens a stream of the events after a sequence. */
  readonly open: (afterSequence: bigint) => ClientReadableStream<EventResponse>;
  readonly afterSequence: bigint;
  readonly signal: AbortSignal | undefined;
  readonly patience: Patience;
  /** Told before events begin again with the first; without it such a run is an error. */
  readonly onRewound: ((run: RewoundRun) => void) | undefined;
}

/**
 * Every event once and in order until `run_finished`, over broken connections; all of them again where `onRewound` is told. It throws `ModelHostError`; leaving the
 * iteration or aborting the signal cancels the call.
 */
export async function* followEvents(following: Following): AsyncGenerator<RunEvent, void> {
  const { patience, signal, onRewound } = following;
  let last = following.afterSequence;
  // Given once its stream has ended: a caller that leaves with it would otherwise reset the stream, and a host takes
  // many resets on one connection for an attack.
  let final: RunEvent | undefined;
  for (;;) {
    try {
      const stream = following.open(last);
      stream.once('metadata', patience.reached);
      for await (const { event } of readStream(stream, signal)) {
        if (event === undefined) continue;
        if (!isNext(event, last)) throw outOfOrder(last, event.sequence);
        last = event.sequence;
        patience.advanced();
        if (event.event.case === 'runFinished') final = event;
        else yield event;
      }
      if (final !== undefined) return yield final;
      // Whoever has the last event already gets no other one.
      if (last > 0n && last === following.afterSequence) return;
      throw brokenError('the stream ended before the run did');
    } catch (thrown) {
      if (final !== undefined) return yield final;
      signal?.throwIfAborted();
      const error = toModelHostError(thrown);
      const rewound = rewoundOf(error);
      if (rewound === undefined || last === 0n || onRewound === undefined) {
        await patience.afterFailure(error, signal);
        continue;
      }
      onRewound(rewound);
      last = 0n;
    }
  }
}

/** What is no longer kept is told by one item with the sequence of the last of it. */
function isNext({ sequence, event }: RunEvent, last: bigint): boolean {
  return event.case === 'eventsDropped' ? sequence > last : sequence === last + 1n;
}

function outOfOrder(last: bigint, got: bigint): ModelHostError {
  return new ModelHostError(`after event ${last} came ${got}`, {
    code: 'out_of_order',
    grpcStatus: 'DATA_LOSS',
    facts: { last_sequence: String(last), sequence: String(got) },
    violations: [],
    retryAfterMs: undefined,
  });
}
