import type { Clock, JsonObject } from '@modelhost/kernel';
import type { RpcError } from '../relay.ts';
import { hasTasks } from '../tasks-extension.ts';
import type { CallOutcomes, RelayedCall } from './call-outcomes.ts';
import { tasksCapability } from './client-capabilities.ts';
import type { FacadeBounds, FacadeOutcome, FacadeView } from './core-types.ts';
import { missingCapability } from './rpc-errors.ts';
import { createTaskRounds, settle } from './task-rounds.ts';
import type { Settled } from './task-rounds.ts';
import type { TaskStore } from './task-store.ts';
import { toCreated } from './task-wire.ts';

/** Whether and when a call becomes a task. */
export type TaskPlan =
  | { readonly kind: 'plain' }
  | { readonly kind: 'refused'; readonly error: RpcError }
  | DueTask;

/** A call that is to become a task. */
export interface DueTask {
  readonly kind: 'task';
  /** The client waits this long for an outcome before the task begins. */
  readonly afterMs: number;
  /** The call becomes a task even when it ends sooner. */
  readonly isCertain: boolean;
}

/** Calls that go on without their client. */
export interface TaskCalls {
  plan(call: RelayedCall): TaskPlan;
  /** Ends with the beginning of the task, or with what the call came to before. */
  run(call: RelayedCall, members: JsonObject | undefined, due: DueTask): Promise<FacadeOutcome>;
}

/** What tasks are made with. */
export interface TaskCallsOptions {
  readonly store: TaskStore;
  readonly outcomes: CallOutcomes;
  readonly view: FacadeView;
  readonly bounds: FacadeBounds;
  readonly clock: Clock;
  readonly randomId: () => string;
}

const plain: TaskPlan = { kind: 'plain' };

/**
 * Turns calls into tasks, for clients that declare the extension. A tool that may be a task is one at once, and what it
 * asks is asked in the task. A tool that must be one may ask first, while the client still waits. Any other becomes one
 * when it takes long, if the view says so.
 */
export function createTaskCalls(options: TaskCallsOptions): TaskCalls {
  const { store, outcomes, view, bounds, clock, randomId } = options;

  function plan({ request, caller }: RelayedCall): TaskPlan {
    const { shown } = request;
    if (shown === undefined || caller.era === 'legacy') return plain;
    const { taskSupport } = shown;
    if (taskSupport === 'none' && view.taskAfterMs === undefined) return plain;
    const isCertain = taskSupport === 'required';
    if (!hasTasks(caller.capabilities)) {
      if (!isCertain) return plain;
      return { kind: 'refused', error: missingCapability(tasksCapability) };
    }
    // Without room for a task the client waits for the result as others do; only a certain task is refused then.
    if (!isCertain && !store.hasRoom(caller.principal.tenant)) return plain;
    const lateMs = taskSupport === 'optional' ? 0 : (view.taskAfterMs ?? 0);
    return { kind: 'task', isCertain, afterMs: isCertain ? bounds.taskInputGraceMs : lateMs };
  }

  async function run(
    call: RelayedCall,
    members: JsonObject | undefined,
    { afterMs, isCertain }: DueTask,
  ): Promise<FacadeOutcome> {
    const controller = new AbortController();
    const detach = follow(call.io.signal, controller);
    const work = settle(() => outcomes.exchange(call, members, controller.signal));
    const early = await within(work, afterMs, clock);
    detach();
    if (early !== undefined && (controller.signal.aborted || !isCertain || isQuestion(early))) {
      return show(call, early);
    }
    return start(call, controller, work);
  }

  function start(
    call: RelayedCall,
    controller: AbortController,
    work: Promise<Settled>,
  ): FacadeOutcome {
    const { tenant, subject } = call.caller.principal;
    const id = randomId();
    const rounds = createTaskRounds({
      call,
      outcomes,
      controller,
      update: (state) => store.update(id, state),
    });
    const { cancel, answer } = rounds;
    const task = { id, tenant, subject, createdAtMs: clock.now(), cancel, answer };
    try {
      store.add(task);
    } catch (thrown) {
      cancel();
      return outcomes.fail(call, thrown);
    }
    rounds.follow(work);
    return { kind: 'result', result: toCreated(task, bounds) };
  }

  function show(call: RelayedCall, settled: Settled): FacadeOutcome {
    return settled.kind === 'thrown'
      ? outcomes.fail(call, settled.thrown)
      : outcomes.show(call, settled.outcome);
  }

  return { plan, run };
}

function isQuestion(settled: Settled): boolean {
  return settled.kind === 'outcome' && settled.outcome.kind === 'input-required';
}

/** Until it is detached, the end of one is the end of the other. */
function follow(signal: AbortSignal, controller: AbortController): () => void {
  const abort = (): void => controller.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return () => signal.removeEventListener('abort', abort);
}

async function within<T>(work: Promise<T>, delayMs: number, clock: Clock): Promise<T | undefined> {
  if (delayMs === 0) return undefined;
  const late = Promise.withResolvers<undefined>();
  const stop = clock.setTimer(delayMs, () => late.resolve(undefined));
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    stop();
  }
}
