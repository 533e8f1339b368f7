import type { RunStore } from '@modelhost/engine-embedded';
import type { RunContext, RunEvent, RunProgram, StepInfo } from '@modelhost/kernel';
import type { Bug } from './mutants.ts';

/** Planted bugs that show when a process is killed, replaced or drained, between the engine and what is around it. */
export const crashBugs: Readonly<Record<string, Bug>> = {
  'acknowledged-before-durable': { law: 'I1', store: acknowledgeAtOnce },
  'once-as-plain-step': {
    law: 'I5',
    program: withContext((context) => ({
      ...context,
      atMostOnce: async (name, body, options) => ({
        kind: 'done',
        value: await context.step(name, body, options),
      }),
    })),
  },
  'results-not-kept': {
    law: 'I5',
    store: (store) => ({
      ...store,
      // As if a result were read back as one that is not there.
      read: async (runId) => {
        const record = await store.read(runId);
        return record === undefined ? undefined : { ...record, entries: [] };
      },
    }),
  },
  'lost-attempts-free': {
    law: 'I3',
    program: withBodies((info) => ({ ...info, attempt: 1 })),
  },
  'lost-at-stop-free': {
    law: 'I3',
    program: withContext((context) => ({
      ...context,
      step: async (name, body, { onLost: _onLost, ...options } = {}) =>
        context.step(name, body, options),
    })),
  },
  'cancel-not-kept': {
    law: 'I7',
    store: (store) => ({
      ...store,
      addSignal: async (runId, signal, options) =>
        signal.name === 'engine/cancel' ? 'added' : store.addSignal(runId, signal, options),
    }),
  },
  'signals-not-told-apart': {
    law: 'I10',
    store: (store) => ({
      ...store,
      addSignal: async (...args) => {
        const kept = await store.addSignal(...args);
        return kept === 'known' ? 'added' : kept;
      },
    }),
    host: (host) => ({
      ...host,
      signal: async (...args) => {
        const told = await host.signal(...args);
        return args[0].startsWith('not-') ? told : { accepted: true };
      },
    }),
  },
  'reset-not-told': {
    law: 'I8',
    host: (host) => ({
      ...host,
      follow: (...args) => withoutResets(host.follow(...args)),
    }),
  },
  'two-writers': { law: 'I5', isUnfenced: true },
  'drain-leaves-runs': {
    law: 'I16',
    engine: (engine) => ({ ...engine, drain: async () => ({ interrupted: 0 }) }),
  },
};

/** A store that says that it has written before it has. */
function acknowledgeAtOnce(store: RunStore): RunStore {
  return {
    ...store,
    write: async (write) => {
      void store.write(write).catch(() => {});
    },
  };
}

async function* withoutResets(events: AsyncIterable<RunEvent>): AsyncGenerator<RunEvent> {
  for await (const event of events) {
    const { body } = event;
    if (body.type !== 'step-reset') yield event;
    else yield { ...event, body: { type: 'step-started', kind: 'model' } };
  }
}

function withContext(
  change: (context: RunContext) => RunContext,
): (program: RunProgram) => RunProgram {
  return (program) => async (context, input) => program(change(context), input);
}

function withBodies(change: (info: StepInfo) => StepInfo): (program: RunProgram) => RunProgram {
  return withContext((context) => ({
    ...context,
    step: async (name, body, options) =>
      context.step(name, async (info) => body(change(info)), options),
  }));
}
