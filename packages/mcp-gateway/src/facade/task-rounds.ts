import type { Json, JsonObject } from '@modelhost/kernel';
import type { ExchangeOutcome, InputRequest } from '../relay.ts';
import type { CallOutcomes, RelayedCall } from './call-outcomes.ts';
import type { FacadeOutcome } from './core-types.ts';
import type { Task, TaskState } from './task-store.ts';

/** How an exchange ended. */
export type Settled =
  | { readonly kind: 'outcome'; readonly outcome: ExchangeOutcome }
  | { readonly kind: 'thrown'; readonly thrown: unknown };

/** The end of an exchange as a value, so that nobody has to wait for it at once. */
export function settle(exchange: () => Promise<ExchangeOutcome>): Promise<Settled> {
  return Promise.try(exchange).then(
    (outcome): Settled => ({ kind: 'outcome', outcome }),
    (thrown: unknown): Settled => ({ kind: 'thrown', thrown }),
  );
}

/** What the rounds of a task are made with. */
export interface TaskRoundsOptions {
  readonly call: RelayedCall;
  readonly outcomes: CallOutcomes;
  /** Ends the exchange of the moment. */
  readonly controller: AbortController;
  readonly update: (state: TaskState) => void;
}

/** Follows a task over as many exchanges as it needs: each one that asks for input is gone on with once all is answered. */
export interface TaskRounds extends Pick<Task, 'cancel' | 'answer'> {
  follow(settled: Promise<Settled>): void;
}

interface Pending {
  readonly requests: Readonly<Record<string, InputRequest>>;
  /** The upstream's own keys, by those of the task. */
  readonly keys: ReadonlyMap<string, string>;
  readonly answers: Readonly<Record<string, Json>>;
  readonly requestState: string | undefined;
}

/** Nothing runs before `follow`. */
export function createTaskRounds(options: TaskRoundsOptions): TaskRounds {
  const { call, outcomes, controller, update } = options;
  let pending: Pending | undefined;
  let rounds = 0;

  function follow(settled: Promise<Settled>): void {
    // A settled exchange never rejects, and `apply` handles every way to end.
    void settled.then(apply);
  }

  function apply(settled: Settled): void {
    if (settled.kind === 'thrown') return update(toEnd(outcomes.fail(call, settled.thrown)));
    const { outcome } = settled;
    if (outcome.kind !== 'input-required') return update(toEnd(outcomes.show(call, outcome)));
    const asked = outcomes.question(call, outcome);
    if (asked.kind === 'refused') return update(toEnd(asked.instead));
    // It was cancelled while the question was on its way.
    if (controller.signal.aborted) return outcomes.abandon(call, outcome.requestState);
    ask(asked.inputRequests, outcome.requestState);
  }

  /** A server may use a key again in a later round; in a task each key is used once. */
  function ask(
    inputRequests: Readonly<Record<string, InputRequest>>,
    requestState: string | undefined,
  ): void {
    const round = (rounds += 1);
    const entries = Object.entries(inputRequests).map(
      ([key, request]) => [`${round}:${key}`, key, request] as const,
    );
    pending = {
      requests: Object.fromEntries(entries.map(([own, , request]) => [own, request])),
      keys: new Map(entries.map(([own, key]) => [own, key])),
      answers: {},
      requestState,
    };
    if (entries.length === 0) resume(pending);
    else update({ status: 'input_required', inputRequests: pending.requests });
  }

  function answer(responses: JsonObject): void {
    if (pending === undefined) return;
    const requests = { ...pending.requests };
    const answers = { ...pending.answers };
    for (const [own, response] of Object.entries(responses)) {
      const key = Object.hasOwn(requests, own) ? pending.keys.get(own) : undefined;
      // An answer to nothing, or a second one, is not an error: it may have crossed with the first.
      if (key === undefined) continue;
      answers[key] = response;
      delete requests[own];
    }
    pending = { ...pending, requests, answers };
    if (Object.keys(requests).length === 0) resume(pending);
    else update({ status: 'input_required', inputRequests: requests });
  }

  function resume({ answers, requestState }: Pending): void {
    pending = undefined;
    update({ status: 'working' });
    const members = {
      inputResponses: answers,
      ...(requestState === undefined ? {} : { requestState }),
    };
    follow(settle(() => outcomes.exchange(call, members, controller.signal)));
  }

  function cancel(): void {
    outcomes.abandon(call, pending?.requestState);
    pending = undefined;
    controller.abort();
  }

  return { follow, answer, cancel };
}

function toEnd(outcome: FacadeOutcome): TaskState {
  switch (outcome.kind) {
    case 'result':
      return { status: 'completed', text: JSON.stringify(outcome.result) };
    case 'error':
      return { status: 'failed', error: outcome.error };
    case 'input-required':
      // Input is asked for in the task itself, before an outcome is shown.
      return { status: 'working' };
  }
}
