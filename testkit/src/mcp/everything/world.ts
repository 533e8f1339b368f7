/** What all connections of one fixture share: which items are listed, who hears of a change, what was asked. */
import { appendFileSync } from 'node:fs';

/** Something that the fixture's clients may want to hear of. */
export type WorldChange =
  | { readonly type: 'tools' | 'prompts' }
  | { readonly type: 'resource'; readonly uri: string };

/** The shared state of one fixture process. */
export interface World {
  readonly isHidden: (name: string) => boolean;
  /** Takes the item off its list, or puts it back, and tells everybody. */
  readonly toggle: (type: 'tools' | 'prompts', name: string) => void;
  readonly touch: (uri: string) => void;
  /** Returns the way to stop. */
  readonly onChange: (listener: (change: WorldChange) => void) => () => void;
  /** Notes a request: a line with time, method and name in the file, at once, so that a kill loses nothing. */
  readonly note: (method: string, name: string | undefined) => void;
}

/** Makes a world. Without a path, requests are not noted. */
export function createWorld(requestsPath: string | undefined): World {
  const hidden = new Set<string>();
  const listeners = new Set<(change: WorldChange) => void>();

  function tell(change: WorldChange): void {
    for (const listener of listeners) listener(change);
  }

  return {
    isHidden: (name) => hidden.has(name),
    toggle(type, name) {
      if (!hidden.delete(name)) hidden.add(name);
      tell({ type });
    },
    touch: (uri) => tell({ type: 'resource', uri }),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    note(method, name) {
      if (requestsPath === undefined) return;
      const what = name === undefined ? method : `${method} ${name}`;
      appendFileSync(requestsPath, `${Date.now()} ${what}\n`);
    },
  };
}
