import { HostError } from '@modelhost/kernel';
import type { Clock, JsonObject, Principal } from '@modelhost/kernel';
import type { InputRequest, RpcError } from '../relay.ts';
import type { FacadeBounds } from './core-types.ts';

/** Where a task stands. */
export type TaskState =
  | { readonly status: 'working' | 'cancelled' }
  | {
      readonly status: 'input_required';
      readonly inputRequests: Readonly<Record<string, InputRequest>>;
    }
  /** `text` is the result as JSON. */
  | { readonly status: 'completed'; readonly text: string }
  | { readonly status: 'failed'; readonly error: RpcError };

/** A call that goes on without its client. */
export interface Task {
  readonly id: string;
  readonly tenant: string;
  readonly subject: string;
  readonly createdAtMs: number;
  /** Stops the call at its server. */
  readonly cancel: () => void;
  /** Takes answers to what the call asks for. */
  readonly answer: (responses: JsonObject) => void;
}

/** What is known of a task at one moment. */
export interface TaskRecord {
  readonly task: Task;
  readonly state: TaskState;
  readonly updatedAtMs: number;
}

/** Tasks, kept for a while. Nobody but its owner can tell a task from one that never was. */
export interface TaskStore {
  /** False when the tenant, or all together, have as many as they may have. */
  hasRoom(tenant: string): boolean;
  /** Throws `overloaded` when there is no room. */
  add(task: Task): void;
  find(principal: Principal, id: string): TaskRecord | undefined;
  /** Does nothing once the task has ended: its last state stays. */
  update(id: string, state: TaskState): void;
  onUpdate(listener: (record: TaskRecord) => void): () => void;
  /** Stops all of them. */
  close(): void;
}

/** Bounds of a store. */
export interface TaskStoreOptions {
  readonly clock: Clock;
  readonly bounds: FacadeBounds;
}

/**
 * Keeps tasks in memory: a restart loses them, and the client then hears that the task is unknown. What is past its time
 * goes when the next one is added or looked for.
 */
export function createTaskStore({ clock, bounds }: TaskStoreOptions): TaskStore {
  const records = new Map<string, TaskRecord>();
  const listeners = new Set<(record: TaskRecord) => void>();

  function sweep(): void {
    // In the order of their making, so the first one that stays ends the search.
    for (const [id, { task }] of records) {
      if (clock.now() - task.createdAtMs < bounds.taskTtlMs) return;
      task.cancel();
      records.delete(id);
    }
  }

  function ofTenant(tenant: string): readonly TaskRecord[] {
    return [...records.values()].filter(({ task }) => task.tenant === tenant);
  }

  function hasRoom(tenant: string): boolean {
    sweep();
    if (records.size >= bounds.tasksMax) return false;
    return ofTenant(tenant).length < bounds.tasksPerTenantMax;
  }

  function add(task: Task): void {
    if (!hasRoom(task.tenant)) {
      throw new HostError('overloaded', 'there are too many tasks; finished ones are kept a while');
    }
    records.set(task.id, { task, state: { status: 'working' }, updatedAtMs: task.createdAtMs });
  }

  function find(principal: Principal, id: string): TaskRecord | undefined {
    sweep();
    const record = records.get(id);
    return record !== undefined && isOwn(record, principal) ? record : undefined;
  }

  function update(id: string, state: TaskState): void {
    const record = records.get(id);
    if (record === undefined || isEnd(record.state)) return;
    const { task } = record;
    const next = { task, state: fitted(task.tenant, state), updatedAtMs: clock.now() };
    records.set(id, next);
    for (const listener of listeners) listener(next);
  }

  /** A result that the tenant has no room for is given up, so that what is kept stays bounded. */
  function fitted(tenant: string, state: TaskState): TaskState {
    if (state.status !== 'completed') return state;
    const bytes = bytesOf(state);
    const isFitting =
      bytesIn(ofTenant(tenant)) + bytes <= bounds.taskBytesPerTenantMax &&
      bytesIn([...records.values()]) + bytes <= bounds.taskBytesMax;
    if (isFitting) return state;
    const message = 'the result was dropped: too many results of tasks are kept';
    return { status: 'failed', error: { code: -32_603, message, data: { code: 'overloaded' } } };
  }

  function onUpdate(listener: (record: TaskRecord) => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  function close(): void {
    for (const { task } of records.values()) task.cancel();
    records.clear();
    listeners.clear();
  }

  return { hasRoom, add, find, update, onUpdate, close };
}

/** Whether the task is the principal's. */
export function isOwn({ task }: TaskRecord, { tenant, subject }: Principal): boolean {
  return task.tenant === tenant && task.subject === subject;
}

function isEnd({ status }: TaskState): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled';
}

function bytesIn(records: readonly TaskRecord[]): number {
  return records.reduce((sum, { state }) => sum + bytesOf(state), 0);
}

function bytesOf(state: TaskState): number {
  return state.status === 'completed' ? state.text.length : 0;
}
