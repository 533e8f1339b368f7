import type { Principal } from '@modelhost/kernel';

/** Tells those who watch which runs start. */
export interface RunStarts {
  announce(principal: Principal, runId: string): void;
  /** Calls for each run that this principal starts from now on; gives the way to stop. */
  listen(principal: Principal, onStart: (runId: string) => void): () => void;
}

/** Keeps nothing: there are as many listeners as there are watches open. */
export function createRunStarts(): RunStarts {
  const listeners = new Map<string, Set<(runId: string) => void>>();
  return {
    announce: (principal, runId) => {
      for (const onStart of listeners.get(keyOf(principal)) ?? []) onStart(runId);
    },
    listen: (principal, onStart) => {
      const key = keyOf(principal);
      const some = listeners.get(key) ?? new Set();
      listeners.set(key, some.add(onStart));
      return () => {
        some.delete(onStart);
        if (some.size === 0 && listeners.get(key) === some) listeners.delete(key);
      };
    },
  };
}

function keyOf({ tenant, subject }: Principal): string {
  return JSON.stringify([tenant, subject]);
}
