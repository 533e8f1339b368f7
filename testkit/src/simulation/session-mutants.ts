import type { SessionIntake } from '@modelhost/agent-core';
import { HostError } from '@modelhost/kernel';
import type { SessionStore } from '@modelhost/kernel';
import type { Bug } from './mutants.ts';

/** Planted bugs in how runs get into their sessions, what they leave there, and what becomes of it. */
export const sessionBugs: Readonly<Record<string, Bug>> = {
  'session-taken-away': {
    law: 'S1',
    sessions: (store) => ({
      ...store,
      hold: async (place, runId) => store.hold(place, runId, (await store.find(place))?.heldBy),
    }),
  },
  'session-polled': { law: 'S2', intake: poll },
  'turn-cut-off': {
    law: 'S3',
    sessions: (store) => ({
      ...store,
      append: async (place, turn) =>
        store.append(place, { ...turn, messages: turn.messages.slice(0, -1) }),
    }),
  },
  'turn-forgotten': {
    law: 'S3',
    sessions: (store) => ({
      ...store,
      append: async (place, turn) => {
        await store.release(place, turn.runId);
        return true;
      },
    }),
  },
  'placeholders-forgotten': {
    law: 'S4',
    sessions: (store) => ({
      ...store,
      turns: async (...args) =>
        (await store.turns(...args)).map((turn) => ({ ...turn, placeholders: null })),
    }),
  },
  'history-not-sent': {
    law: 'S4',
    program: (program) => async (context, input) =>
      program(context, { ...input, history: input.history.slice(1) }),
  },
  'deleted-later': {
    law: 'S5',
    sessions: (store) => ({ ...store, delete: async () => 0 }),
  },
  'deleted-in-use': { law: 'S5', sessions: deleteInUse },
  'never-taken-over': {
    law: 'S6',
    sessions: (store) => ({
      ...store,
      hold: async (place, runId, insteadOf) => {
        if (insteadOf === undefined) return store.hold(place, runId);
        throw new HostError('overloaded', 'somebody has it', { retryAfterMs: 1_000 });
      },
    }),
  },
};

const pollMs = 10;

/** Whoever waits leaves the line and comes back, again and again. */
function poll(intake: SessionIntake): SessionIntake {
  return {
    ...intake,
    start: async (wish, work) => {
      for (let leftMs = wish.timeoutMs; ; leftMs -= pollMs) {
        try {
          return await intake.start({ ...wish, timeoutMs: pollMs }, work);
        } catch (thrown) {
          const isBusy = thrown instanceof HostError && thrown.code === 'overloaded';
          if (!isBusy || leftMs < 0) throw thrown;
        }
      }
    },
  };
}

/** Nobody who deletes a session sees that a run has it. */
function deleteInUse(store: SessionStore): SessionStore {
  return {
    ...store,
    find: async (place) => {
      const session = await store.find(place);
      if (session === undefined) return undefined;
      const { heldBy: _heldBy, ...free } = session;
      return free;
    },
    delete: async (place) => {
      const holder = (await store.find(place))?.heldBy;
      if (holder !== undefined) await store.release(place, holder);
      return store.delete(place);
    },
  };
}
