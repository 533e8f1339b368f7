import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { AgentService } from '@modelhost/contracts';
import type {
  ForkRunRequestSchema,
  ForkRunResponse,
  InputAction,
  ListRunsResponse,
  ReplayRunResponse,
  Run,
  RunEvent,
  RunSpecSchema,
  RunState,
  StartRunResponse,
} from '@modelhost/contracts';
import { isBroken, missingError, toModelHostError } from './error.ts';
import type { ModelHostError, RewoundRun } from './error.ts';
import { followEvents } from './follow.ts';
import { callUnary, openStream, readAnswers } from './method.ts';
import type { Caller } from './method.ts';
import { awayTimeoutMsDefault, createPatience } from './patience.ts';
import type { Patience } from './patience.ts';
import { watchRuns } from './watch.ts';
import type { WatchedItem, WatchOptions } from './watch.ts';

/** A RunSpec with only the fields that matter. */
export type RunSpecInit = MessageInitShape<typeof RunSpecSchema>;

/** A run to begin with, the step to go on from, and what is other than there. */
export type ForkInit = MessageInitShape<typeof ForkRunRequestSchema>;

export interface FollowOptions {
  /** Events up to this one are known already. */
  readonly afterSequence?: bigint;
  readonly signal?: AbortSignal;
  /**
   * Called when the run has fewer events than the caller, as after a backup of the host was restored: what the caller has is
   * void, and all events come again. Without it that is an error, `failed_precondition`.
   */
  readonly onRewound?: (run: RewoundRun) => void;
}

export interface ListRunsOptions {
  readonly pageSize?: number;
  readonly pageToken?: string;
  readonly state?: RunState;
}

export interface ApprovalAnswer {
  readonly runId: string;
  readonly approvalId: string;
  readonly approved: boolean;
  readonly comment?: string;
}

export interface ToolResult {
  readonly runId: string;
  readonly callId: string;
  readonly content: string;
  readonly isError?: boolean;
}

export interface InputAnswer {
  readonly runId: string;
  readonly inputId: string;
  readonly action: InputAction;
  /** For ACCEPT of a form: a JSON object as text. */
  readonly contentJson?: string;
}

/** How long a host that is away is waited for. */
export interface AwayOptions {
  /**
   * How long a host may be away while runs are followed or watched: the stream is asked for again and again meanwhile;
   * 300,000 unless it is given, and 0 gives up at once.
   */
  readonly awayTimeoutMs?: number | undefined;
  /** Called once for each time that a stream waits for its host, with what the last attempt failed with. */
  readonly onWaiting?: ((error: ModelHostError) => void) | undefined;
}

/** Runs: start, follow, answer and tell again. */
export interface RunMethods {
  /**
   * Starts a run and gives its events, over broken connections. Aborting the signal, or leaving, cancels the run, unless
   * the request id is that of a run which was there before.
   */
  run(spec: RunSpecInit, options?: { readonly signal?: AbortSignal }): AsyncIterable<RunEvent>;
  startRun(spec: RunSpecInit): Promise<StartRunResponse>;
  /** Gives the events of a run, over broken connections. Aborting the signal leaves the run alone. */
  followRun(runId: string, options?: FollowOptions): AsyncIterable<RunEvent>;
  /**
   * Gives what happens to many runs as one stream, over broken connections: each item once, those of a run in their order. Aborting the
   * signal, or leaving, leaves the runs alone.
   */
  watchEvents(options?: WatchOptions): AsyncIterable<WatchedItem>;
  /** Gives the events of a finished run as they come out of its journal, and at last whether they are those that were shown. */
  replayRun(
    runId: string,
    options?: { readonly signal?: AbortSignal },
  ): AsyncIterable<ReplayRunResponse['item']>;
  /** Starts a new run from the first steps of another one. It is started once, also when the answer is lost. */
  forkRun(fork: ForkInit): Promise<ForkRunResponse>;
  getRun(runId: string): Promise<Run>;
  listRuns(options?: ListRunsOptions): Promise<ListRunsResponse>;
  /** False when the run was finished already. */
  cancelRun(runId: string): Promise<boolean>;
  resolveApproval(answer: ApprovalAnswer): Promise<void>;
  submitToolResult(result: ToolResult): Promise<void>;
  submitInput(answer: InputAnswer): Promise<void>;
}

/** The methods of runs over one connection; `closing` ends what waits for a host. */
export function createRunMethods(
  caller: Caller,
  away: AwayOptions,
  closing: AbortSignal,
): RunMethods {
  const { method } = AgentService;
  return {
    ...createStreams(caller, () => patienceOf(away, closing)),
    startRun: async (spec) => callUnary(caller, method.startRun, { spec }),
    replayRun: async function* replay(runId, { signal } = {}) {
      const open = () => openStream(caller, method.replayRun, { runId });
      for await (const { item } of readAnswers(open, signal)) yield item;
    },
    forkRun: async (fork) => {
      const asked = withRequestId(fork);
      return again(async () => callUnary(caller, method.forkRun, asked));
    },
    getRun: async (runId) => {
      const { run } = await callUnary(caller, method.getRun, { runId });
      if (run === undefined) throw missingError('run');
      return run;
    },
    listRuns: async (page = {}) => callUnary(caller, method.listRuns, page),
    cancelRun: async (runId) => (await callUnary(caller, method.cancelRun, { runId })).cancelled,
    resolveApproval: async (answer) => {
      await callUnary(caller, method.resolveApproval, answer);
    },
    submitToolResult: async (result) => {
      await callUnary(caller, method.submitToolResult, result);
    },
    submitInput: async (answer) => {
      await callUnary(caller, method.submitInput, answer);
    },
  };
}

function createStreams(
  caller: Caller,
  patienceFor: () => Patience,
): Pick<RunMethods, 'run' | 'followRun' | 'watchEvents'> {
  const { startRun, followRun, cancelRun, watchEvents } = AgentService.method;

  function follow(
    runId: string,
    { afterSequence = 0n, signal, onRewound }: FollowOptions = {},
  ): AsyncGenerator<RunEvent, void> {
    return followEvents({
      open: (after) => openStream(caller, followRun, { runId, afterSequence: after }),
      afterSequence,
      signal,
      patience: patienceFor(),
      onRewound,
    });
  }

  // Start and follow are two calls here, because a connection that breaks under the one call Run cancels its run.
  async function* run(
    spec: RunSpecInit,
    options: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<RunEvent, void> {
    options.signal?.throwIfAborted();
    const asked = withRequestId(spec);
    const start = async (): Promise<StartRunResponse> =>
      callUnary(caller, startRun, { spec: asked });
    const { runId, created } = await again(start);
    // With an id of its own the run is ours, also where the first answer was lost.
    const isOurs = created || asked !== spec;
    let isFinished = false;
    try {
      for await (const event of follow(runId, options)) {
        isFinished = event.event.case === 'runFinished';
        yield event;
      }
    } finally {
      if (isOurs && !isFinished) await callUnary(caller, cancelRun, { runId }).catch(() => {});
    }
  }

  return {
    run,
    followRun: follow,
    watchEvents: (options = {}) =>
      watchRuns({
        ...options,
        open: (request) => openStream(caller, watchEvents, request),
        patience: patienceFor(),
      }),
  };
}

/** What is asked for with an id of its own happens once, however often it is asked for after a lost answer. */
async function again<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  return ask().catch(async (thrown: unknown) => {
    if (!isBroken(toModelHostError(thrown))) throw thrown;
    return ask();
  });
}

function withRequestId<Request extends { readonly requestId?: string }>(request: Request): Request {
  const isNamed = request.requestId !== undefined && request.requestId !== '';
  return isNamed ? request : { ...request, requestId: randomUUID() };
}

function patienceOf({ awayTimeoutMs, onWaiting }: AwayOptions, closing: AbortSignal): Patience {
  return createPatience({
    timeoutMs: awayTimeoutMs ?? awayTimeoutMsDefault,
    now: () => performance.now(),
    random: Math.random,
    wait: async (waitMs, signal) => delay(waitMs, undefined, { signal }).catch(() => {}),
    onWaiting,
    closing,
  });
}
