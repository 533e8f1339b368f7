import type { DecisionPoint } from '@modelhost/policy-engine';

/** A decision point that tells when it is given other rules. */
export interface AnnouncedEngine {
  readonly engine: DecisionPoint;
  /** Returns the way to stop. */
  readonly onChange: (listener: () => void) => () => void;
}

/** Listeners are called when the other rules decide already; they must not throw. */
export function announceChanges(engine: DecisionPoint): AnnouncedEngine {
  const listeners = new Set<() => void>();
  return {
    engine: {
      ...engine,
      use: (source) => {
        engine.use(source);
        for (const listener of listeners) listener();
      },
    },
    onChange: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
