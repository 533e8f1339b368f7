import { sha256Hex } from '@modelhost/kernel';
import type { ModelEvent, ModelRequest } from '@modelhost/kernel';

import type { ReaderContext } from './answer-reader.ts';

/** A tool call that is still being written. */
export interface ToolCallDraft {
  id: string;
  name: string;
  arguments: string;
}

/** The tool calls of one answer, in the order in which they began. */
export interface ToolCallDrafts {
  readonly count: number;
  /** Begins a call; `index` is where the provider's later events point to. */
  start(draft: Partial<ToolCallDraft>, index?: number): ToolCallDraft;
  /** The call that began last at this index. */
  at(index: number | undefined): ToolCallDraft | undefined;
  /** The finished calls. `isWhole`: the model stopped on its own, so that a call without arguments means none. */
  finish(options: { readonly isWhole: boolean }): readonly ModelEvent[];
}

// Some providers take ids of exactly nine letters and digits; every other takes those too.
const ownIdLength = 9;
const foreignIdLengthMax = 64;

/**
 * Collects tool calls. An id of the provider is kept only when it is new in the conversation: some providers send
 * none, or the same one at every step. Own ids follow from the step and the position, so a retry gives the same.
 */
export function createToolCallDrafts({ request, errors }: ReaderContext): ToolCallDrafts {
  const drafts: ToolCallDraft[] = [];
  const byIndex = new Map<number, ToolCallDraft>();

  return {
    get count() {
      return drafts.length;
    },
    start: ({ id = '', name = '', arguments: text = '' }, index) => {
      const draft: ToolCallDraft = { id, name, arguments: text };
      drafts.push(draft);
      if (index !== undefined) byIndex.set(index, draft);
      return draft;
    },
    at: (index) => (index === undefined ? undefined : byIndex.get(index)),
    finish: ({ isWhole }) => {
      if (drafts.length === 0) return [];
      const used = idsOf(request);
      return drafts.map((draft, position): ModelEvent => {
        if (draft.name === '') throw errors.invalid('a tool call has no name');
        const id = chooseId(draft.id, used, `${request.idempotencyKey}/${position}`);
        used.add(id);
        const text = draft.arguments === '' && isWhole ? '{}' : draft.arguments;
        return { type: 'tool-call', call: { id, name: draft.name, arguments: text } };
      });
    },
  };
}

function idsOf(request: ModelRequest): Set<string> {
  const ids = new Set<string>();
  for (const message of request.messages) {
    if (message.role === 'assistant') for (const call of message.toolCalls) ids.add(call.id);
  }
  return ids;
}

function chooseId(foreign: string, used: ReadonlySet<string>, seed: string): string {
  if (foreign !== '' && foreign.length <= foreignIdLengthMax && !used.has(foreign)) return foreign;
  let id = sha256Hex(seed).slice(0, ownIdLength);
  // The set is finite and each round gives another hash, so this ends; in practice at once.
  for (let round = 1; used.has(id); round += 1)
    id = sha256Hex(`${seed}/${round}`).slice(0, ownIdLength);
  return id;
}
