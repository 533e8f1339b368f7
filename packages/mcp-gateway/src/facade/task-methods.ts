import type { JsonObject } from '@modelhost/kernel';
import { hasTasks } from '../tasks-extension.ts';
import { tasksCapability } from './client-capabilities.ts';
import type { FacadeBounds, FacadeCaller, FacadeOutcome } from './core-types.ts';
import { isAnswers } from './input-answers.ts';
import { invalidParams, missingCapability } from './rpc-errors.ts';
import type { TaskStore } from './task-store.ts';
import { toDetailed } from './task-wire.ts';

/** Methods of the extension. */
export type TaskMethod = 'tasks/get' | 'tasks/update' | 'tasks/cancel';

const acknowledged: FacadeOutcome = { kind: 'result', result: {} };

/** Answers a method of the tasks extension. A task of somebody else is as unknown as one that never was. */
export function answerTaskMethod(
  method: TaskMethod,
  params: JsonObject,
  options: {
    readonly caller: FacadeCaller;
    readonly store: TaskStore;
    readonly bounds: FacadeBounds;
  },
): FacadeOutcome {
  const { caller, store, bounds } = options;
  if (!hasTasks(caller.capabilities)) {
    return { kind: 'error', error: missingCapability(tasksCapability) };
  }
  const { taskId, inputResponses } = params;
  if (typeof taskId !== 'string') return refused('params.taskId must be the id of a task');
  const record = store.find(caller.principal, taskId);
  if (record === undefined) return refused('params.taskId is not the id of a task of yours');
  switch (method) {
    case 'tasks/get':
      return { kind: 'result', result: toDetailed(record, bounds) };
    case 'tasks/update':
      if (!isAnswers(inputResponses)) {
        return refused('params.inputResponses must be an object of objects');
      }
      record.task.answer(inputResponses);
      return acknowledged;
    case 'tasks/cancel':
      store.update(taskId, { status: 'cancelled' });
      record.task.cancel();
      return acknowledged;
  }
}

function refused(message: string): FacadeOutcome {
  return { kind: 'error', error: invalidParams(message) };
}
