import type { RunStore, RunWrite } from '@modelhost/engine-embedded';
import { parseJsonText } from '@modelhost/kernel';
import type { RunInput, SignalPayload, ToolCall } from '@modelhost/kernel';
import { tellsAccount } from './accounts.ts';
import { tellsMailbox, tellsSecret } from './canaries.ts';
import type { Fact } from './facts.ts';
import type { World } from './world.ts';

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
  readonly handed?: readonly Handed[];
}

interface Handed {
  readonly kind: 'step' | 'signal' | 'due' | 'stop' | 'finish';
  readonly name?: string;
  readonly payload?: SignalPayload;
  readonly end?: {
    readonly type?: string;
    readonly lost?: number;
    readonly value?: {
      readonly value?: { readonly text?: unknown; readonly toolCalls?: readonly ToolCall[] };
    };
  };
}

type HandedFact = Omit<Extract<Fact, { type: 'handed' }>, 'type' | 'atMs' | 'runId'>;

const decoder = new TextDecoder();

/**
 * Tells the facts of all that becomes durable in `kept`, whose texts must be sealed plainly. I8: with the seal taken off, nothing
 * that is hidden is in them, but for what people sent, which is kept as they did.
 */
export function watchJournal(
  kept: RunStore,
  { facts, governance, conversations }: Pick<World, 'facts' | 'governance' | 'conversations'>,
): JournalWatch {
  const journaled = new Set<string>();
  const unfinished = new Set<string>();

  const tells = (text: string): boolean =>
    tellsSecret(text) || tellsMailbox(text) || tellsAccount(governance, text);

  function read(runId: string, bytes: Uint8Array): Entry {
    const opened = decoder.decode(bytes);
    // The engine wrote it with the plain codec.
    const entry = parseJsonText(opened) as unknown as Entry;
    if (tells(opened) && tells(JSON.stringify(withoutSignals(entry)))) {
      facts.violate('I8', `${runId}: it is in the journal`);
    }
    return entry;
  }

  function look({ runId, entries, run }: RunWrite): void {
    for (const bytes of entries) {
      const { begun = [], handed = [] } = read(runId, bytes);
      for (const { name, attempt } of begun)
        facts.add({ type: 'begun', runId, step: name, attempt });
      for (const one of handed) {
        if (one.kind === 'step') journaled.add(`${runId}/${one.name}`);
        if (one.kind === 'finish') conversations.ended(runId);
        facts.add({ type: 'handed', runId, ...handedFact(one) });
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
        conversations.began(openInput(input));
        // A fork begins with what is journaled of another run.
        for (const bytes of run.entries ?? []) {
          for (const { kind, name = '' } of read(run.runId, bytes).handed ?? []) {
            if (kind === 'step') journaled.add(`${run.runId}/${name}`);
          }
        }
        return created;
      },
      write: async (write) => {
        await kept.write(write);
        look(write);
      },
    },
  };
}

function openInput(bytes: Uint8Array): RunInput {
  // As above.
  return (parseJsonText(decoder.decode(bytes)) as unknown as { readonly input: RunInput }).input;
}

function handedFact({ kind, name = '', payload, end }: Handed): HandedFact {
  const answer = end?.value?.value;
  return {
    kind,
    name,
    payload: payload ?? null,
    text: typeof answer?.text === 'string' ? answer.text : null,
    calls: answer?.toolCalls ?? [],
    isLost: end?.type === 'given-up' && end.lost !== undefined,
  };
}

function withoutSignals({ handed = [], ...entry }: Entry): Entry {
  return { ...entry, handed: handed.filter(({ kind }) => kind !== 'signal') };
}
