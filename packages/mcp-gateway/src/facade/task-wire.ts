import { parseJsonText } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import type { FacadeBounds } from './core-types.ts';
import type { Task, TaskRecord } from './task-store.ts';

/** Answer to a call that became a task. */
export function toCreated(task: Task, bounds: FacadeBounds): JsonObject {
  return { resultType: 'task', ...toBase(task, 'working', task.createdAtMs, bounds) };
}

/** All that a client may know of a task: as the result of `tasks/get`, and as a notification. */
export function toDetailed(
  { task, state, updatedAtMs }: TaskRecord,
  bounds: FacadeBounds,
): JsonObject {
  const base = toBase(task, state.status, updatedAtMs, bounds);
  switch (state.status) {
    case 'working':
    case 'cancelled':
      return base;
    case 'input_required':
      // Requests are JSON, as they came from the wire; their type only says less than that.
      return { ...base, inputRequests: state.inputRequests as unknown as Json };
    case 'completed':
      return { ...base, result: parseJsonText(state.text) };
    case 'failed':
      return { ...base, error: { ...state.error } };
  }
}

function toBase(task: Task, status: string, updatedAtMs: number, bounds: FacadeBounds): JsonObject {
  return {
    taskId: task.id,
    status,
    createdAt: new Date(task.createdAtMs).toISOString(),
    lastUpdatedAt: new Date(updatedAtMs).toISOString(),
    ttlMs: bounds.taskTtlMs,
    pollIntervalMs: bounds.taskPollIntervalMs,
  };
}
