import { HostError } from '@modelhost/kernel';
import type { RunPage, RunState } from '@modelhost/kernel';
import type { ShelvedRun } from './run-shelf.ts';

/**
 * A page of a tenant's runs. The token is the place of the page's last run in the order of starts, so that no run is
 * shown twice or left out because others start or are forgotten in between.
 */
export function listRuns(
  newestFirst: readonly ShelvedRun[],
  tenant: string,
  filter: { readonly state?: RunState; readonly pageSize: number; readonly pageToken?: string },
): RunPage {
  const { state, pageSize, pageToken } = filter;
  const before = pageToken === undefined ? Infinity : readPageToken(pageToken);
  const matching = newestFirst.filter(
    ({ run, ordinal }) =>
      ordinal < before &&
      run.identity.principal.tenant === tenant &&
      (state === undefined || run.state() === state),
  );
  const page = matching.slice(0, pageSize);
  const last = matching.length > pageSize ? page.at(-1) : undefined;
  return {
    runs: page.map(({ run }) => run.status()),
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
