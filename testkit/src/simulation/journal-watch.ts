import type { RunStore, RunWrite } from '@modelhost/engine-embedded';
import { parseJsonText } from '@modelhost/kernel';
import type { SignalPayload } from '@modelhost/kernel';
import type { Facts } from './facts.ts';

/** What is durable, as the store has it: it believes no engine. */
export interface JournalWatch {
  /** The store, seen through. */
  readonly store: RunStore;
  /** Whether the result of a step is durable. */
  isJournaled(runId: string, step: string): boolean;
  /** How many runs are kept and not finished. */
  unfinished(): number;
}

/** What of a journal entry is looked at. */
interface Entry {
  readonly begun?: readonly { readonly name: string; readonly attempt: number }[];
  readonly handed?: readonly {
    readonly kind: 'step' | 'signal' | 'due' | 'stop' | 'finish';
    readonly name?: string;
    readonly payload?: SignalPayload;
    readonly end?: { readonly value?: { readonly value?: { readonly text?: unknown } } };
  }[];
}

const decoder = new TextDecoder();

/** Tells the facts of all that becomes durable in `kept`, whose texts must be sealed plainly. */
export function watchJournal(kept: RunStore, facts: Facts): JournalWatch {
  const journaled = new Set<string>();
  const unfinished = new Set<string>();

  function look({ runId, entries, run }: RunWrite): void {
    for (const entry of entries) {
      // The engine wrote it with the plain codec.
      const { begun = [], handed = [] } = parseJsonText(decoder.decode(entry)) as unknown as Entry;
      for (const { name, attempt } of begun)
        facts.add({ type: 'begun', runId, step: name, attempt });
      for (const { kind, name = '', payload = null, end } of handed) {
        const text = end?.value?.value?.text;
        if (kind === 'step') journaled.add(`${runId}/${name}`);
        facts.add({
          type: 'handed',
          runId,
          kind,
          name,
          payload,
          text: typeof text === 'string' ? text : null,
        });
      }
    }
    if (run?.state === 'finished') unfinished.delete(runId);
  }

  return {
    isJournaled: (runId, step) => journaled.has(`${runId}/${step}`),
    unfinished: () => unfinished.size,
    store: {
      ...kept,
      create: async (run, input) => {
        const created = await kept.create(run, input);
        if (!created.created) return created;
        unfinished.add(run.runId);
        facts.add({ type: 'created', runId: run.runId });
        return created;
      },
      write: async (write) => {
        await kept.write(write);
        look(write);
      },
    },
  };
}
