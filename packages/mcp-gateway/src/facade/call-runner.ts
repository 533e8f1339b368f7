import type { JsonObject } from '@modelhost/kernel';
import { originOf } from './call-outcomes.ts';
import type { CallOutcomes, RelayedCall } from './call-outcomes.ts';
import type { FacadeOutcome } from './core-types.ts';
import { readAnswers } from './input-answers.ts';
import type { SealedStates } from './sealed-state.ts';
import type { TaskCalls } from './task-calls.ts';

/** Answers requests that go to an upstream; never throws. */
export type CallRunner = (call: RelayedCall) => Promise<FacadeOutcome>;

/** Runs requests of clients: straight through, or as tasks where that is due. */
export function createCallRunner(options: {
  readonly outcomes: CallOutcomes;
  readonly states: SealedStates;
  readonly tasks: TaskCalls;
}): CallRunner {
  const { outcomes, states, tasks } = options;

  async function run(call: RelayedCall, members: JsonObject | undefined): Promise<FacadeOutcome> {
    try {
      return outcomes.show(call, await outcomes.exchange(call, members, call.io.signal));
    } catch (thrown) {
      return outcomes.fail(call, thrown);
    }
  }

  return async (call) => {
    const answers = readAnswersOf(call, states);
    if (answers.kind === 'error') return answers;
    const plan = tasks.plan(call);
    switch (plan.kind) {
      case 'plain':
        return run(call, answers.members);
      case 'refused':
        return { kind: 'error', error: plan.error };
      case 'task':
        return tasks.run(call, answers.members, plan);
    }
  };
}

function readAnswersOf(call: RelayedCall, states: SealedStates): ReturnType<typeof readAnswers> {
  return readAnswers(call.params, states, () => originOf(call));
}
