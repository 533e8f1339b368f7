import { HostError } from '@modelhost/kernel';
import type { RunPage, RunState } from '@modelhost/kernel';
import type { RunCodec } from './codec.ts';
import { showStatus } from './kept-status.ts';
import type { RunStore } from './run-store.ts';

/**
 * A page of a tenant's runs. The token is the place of the page's last run in the order of creation, so that no run is
 * shown twice or left out because others start or are forgotten in between. One that is damaged is shown as such.
 */
export async function listRuns(
  { store, codec }: { readonly store: RunStore; readonly codec: RunCodec },
  tenant: string,
  filter: { readonly state?: RunState; readonly pageSize: number; readonly pageToken?: string },
): Promise<RunPage> {
  const { state, pageSize, pageToken } = filter;
  const kept = await store.list(tenant, {
    limit: pageSize + 1,
    ...(state === undefined ? {} : { state }),
    ...(pageToken === undefined ? {} : { beforeOrdinal: readPageToken(pageToken) }),
  });
  const page = kept.slice(0, pageSize);
  const last = kept.length > pageSize ? page.at(-1) : undefined;
  return {
    runs: page.map((run) => showStatus(codec, run)),
    nextPageToken: last === undefined ? undefined : String(last.ordinal),
  };
}

function readPageToken(token: string): number {
  const ordinal = Number(token);
  if (Number.isSafeInteger(ordinal) && ordinal >= 1) return ordinal;
  throw new HostError('validation_failed', 'the page token is none of ours', {
    violations: [{ field: 'page_token', description: 'must be the next_page_token of a page' }],
    facts: { field: 'page_token' },
  });
}
