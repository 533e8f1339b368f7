import { noStatistics, toErrorData } from '@modelhost/kernel';
import type {
  Clock,
  HostError,
  RunContext,
  RunEvent,
  RunEventBody,
  RunInput,
  RunProgram,
  RunResult,
  RunState,
  RunStatus,
  SignalPayload,
  StopReason,
} from '@modelhost/kernel';
import type { EngineBounds } from './bounds.ts';
import { createEventStream } from './event-stream.ts';
import { createLifetime } from './lifetime.ts';
import type { Lifetime } from './lifetime.ts';
import { createMailbox } from './mailbox.ts';
import { createRunContext } from './run-context.ts';
import { createSteps } from './steps.ts';

/** One run, from its start until it is forgotten. */
export interface Run {
  /** Who and what it is; none of it changes. */
  readonly identity: RunIdentity;
  /** The first reason counts. */
  stop(reason: StopReason): void;
  deliver(name: string, payload: SignalPayload): boolean;
  follow(afterSequence: number, signal: AbortSignal): AsyncIterable<RunEvent>;
  state(): RunState;
  status(): RunStatus;
  /** What its events take in memory, roughly. */
  bytes(): number;
}

type RunIdentity = Pick<
  RunStatus,
  'runId' | 'principal' | 'agent' | 'agentVersion' | 'metadata' | 'createdAtMs'
>;

/** What a run is made of. */
export interface RunOptions {
  readonly input: RunInput;
  readonly program: RunProgram;
  readonly clock: Clock;
  readonly bounds: EngineBounds;
  /** Called once, after the last event. */
  readonly onEnd: () => void;
  /** For the log: why the run ends as `internal`. */
  readonly onFault: (fault: HostError) => void;
}

/**
 * Starts a run. Whatever its program does, throws or leaves running, it ends once, with one `run-finished`, at the latest
 * `stopTimeoutMs` after its deadline.
 */
export function startRun(options: RunOptions): Run {
  const { input, clock, bounds, onEnd } = options;
  const identity = identityOf(input, clock.now());
  const { runId, createdAtMs } = identity;
  const stream = createEventStream(bounds);
  const mailbox = createMailbox({ clock, bufferedMax: bounds.signalsBufferedMax });
  const steps = createSteps({ runId, clock, bounds, emit });
  let finished: { readonly atMs: number; readonly result: RunResult } | undefined;
  const lifetime = createLifetime({
    clock,
    durationMsMax: input.budget.durationMsMax,
    stopTimeoutMs: bounds.stopTimeoutMs,
    onHalt: (reason) => {
      steps.stop(reason);
      mailbox.close(reason);
    },
    onOverdue: () => {
      lifetime.fail('the program did not end after it was stopped');
      end(undefined);
    },
    onFault: options.onFault,
  });

  function emit(step: string, body: RunEventBody): number {
    const timeMs = clock.now();
    if (finished !== undefined) return timeMs;
    if (body.type === 'run-finished') lifetime.fail('only the engine emits run-finished');
    else stream.append({ timeMs, step, body });
    return timeMs;
  }

  function end(result: RunResult | undefined): void {
    if (finished !== undefined) return;
    if (steps.inFlight() > 0) lifetime.fail('a step outlived the program');
    lifetime.finish();
    const over = lifetime.refusal(true);
    steps.close(over);
    mailbox.close(over);
    const atMs = clock.now();
    finished = { atMs, result: resultOf(result, lifetime.fault(), atMs - createdAtMs) };
    stream.append({
      timeMs: atMs,
      step: '',
      body: { type: 'run-finished', result: finished.result },
    });
    onEnd();
  }

  function state(): RunState {
    if (finished !== undefined) return 'finished';
    return mailbox.isWaiting() && steps.inFlight() === 0 ? 'waiting' : 'running';
  }

  const context = createRunContext({ runId, clock, lifetime, steps, mailbox, emit });
  void perform(options.program, context, input, lifetime).then(end);
  return {
    identity,
    stop: (reason) => lifetime.stop(reason),
    deliver: (name, payload) => mailbox.deliver(name, payload),
    follow: (afterSequence, signal) => stream.follow(afterSequence, signal),
    state,
    status: () => ({
      ...identity,
      state: state(),
      finishedAtMs: finished?.atMs,
      lastSequence: stream.lastSequence(),
      waitingFor: mailbox.pending(),
      result: finished?.result,
    }),
    bytes: () => stream.bytes(),
  };
}

/** What the program gives; undefined when it threw. */
async function perform(
  program: RunProgram,
  context: RunContext,
  input: RunInput,
  lifetime: Lifetime,
): Promise<RunResult | undefined> {
  try {
    return await program(context, input);
  } catch (thrown) {
    lifetime.fail('the program of the run threw', thrown);
    return undefined;
  }
}

function identityOf(input: RunInput, createdAtMs: number): RunIdentity {
  const { runId, principal, agent, metadata } = input;
  return { runId, principal, agent: agent.id, agentVersion: agent.version, metadata, createdAtMs };
}

/** The result that the program gave, unless the run is broken: then only its statistics are believed. */
function resultOf(
  given: RunResult | undefined,
  fault: HostError | undefined,
  durationMs: number,
): RunResult {
  if (given !== undefined && fault === undefined) return given;
  const statistics = given?.statistics ?? { ...noStatistics, durationMs };
  return { ending: { reason: 'failed', error: toErrorData(fault) }, statistics };
}
