import { setImmediate as turn } from 'node:timers/promises';
import { HostError } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { HideDefinition } from '../hiding.ts';
import type { UpstreamLists } from '../upstream/lists.ts';

/**
 * What a server lists, with every item of it hidden; one that cannot be looked through is left out. Others are served between two
 * items.
 */
export async function hideLists(
  lists: Partial<UpstreamLists>,
  { hide, log }: { readonly hide: HideDefinition; readonly log: (message: string) => void },
): Promise<Partial<UpstreamLists>> {
  const hidden: Record<string, readonly JsonObject[]> = {};
  for (const [kind, items] of Object.entries(lists)) {
    const shown: JsonObject[] = [];
    for (const item of items) {
      try {
        shown.push(hide(item));
      } catch (cause) {
        if (!(cause instanceof HostError)) throw cause;
        log(`one of its ${kind} is left out: ${cause.message}`);
      }
      await turn(); // oxlint-disable-line no-await-in-loop
    }
    hidden[kind] = shown;
  }
  return hidden;
}
