import type { RpcNotification } from './rpc-message.ts';
import type { RequestListener } from './wire.ts';

/** Our ids start here: numbers of their own, as the SDK counts its requests from 0. */
const ownIdsFrom = 1_000_000;

/** Our requests that wait for their answers, by ids that are never used again. */
export interface Pending<T extends { readonly listener: RequestListener }> {
  add(entry: T): number;
  get(id: number): T | undefined;
  /** Nothing is waited for any more under this id. */
  end(id: number): T | undefined;
  endAll(): readonly T[];
  /** Gives a progress to the request it belongs to. Says whether its token is one of ours, be it an old one. */
  takeProgress(notification: RpcNotification): boolean;
  /** Whether an id is one of ours, be it an old one. */
  isOwn(id: unknown): id is number;
}

/** Empty at first. */
export function createPending<T extends { readonly listener: RequestListener }>(): Pending<T> {
  const entries = new Map<number, T>();
  let nextId = ownIdsFrom;

  function add(entry: T): number {
    const id = nextId;
    nextId += 1;
    entries.set(id, entry);
    return id;
  }

  function end(id: number): T | undefined {
    const entry = entries.get(id);
    entries.delete(id);
    return entry;
  }

  function endAll(): readonly T[] {
    const ended = [...entries.values()];
    entries.clear();
    return ended;
  }

  function takeProgress(notification: RpcNotification): boolean {
    if (notification.method !== 'notifications/progress') return false;
    const token = notification.params['progressToken'];
    if (!isOwn(token)) return false;
    entries.get(token)?.listener.onNotification(notification);
    return true;
  }

  return { add, get: (id) => entries.get(id), end, endAll, takeProgress, isOwn };
}

function isOwn(id: unknown): id is number {
  return typeof id === 'number' && id >= ownIdsFrom;
}
