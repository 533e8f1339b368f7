import type { RunPage, RunState } from '@modelhost/kernel';
import type { RunCodec } from './codec.ts';
import { showStatus } from './kept-status.ts';
import { readPageToken } from './page-token.ts';
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
