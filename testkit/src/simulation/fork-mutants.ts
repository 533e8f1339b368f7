import type { RunInput } from '@modelhost/kernel';
import type { Bug } from './mutants.ts';

/** Planted bugs in what a fork takes over, and in what decides for it. */
export const forkBugs: Readonly<Record<string, Bug>> = {
  'fork-begins-anew': {
    law: 'F1',
    host: (host) => ({
      ...host,
      fork: async (tenant, runId, fork) =>
        host.fork(tenant, runId, { ...fork, atStep: 'turn-1/model' }),
    }),
  },
  'fork-refused': {
    law: 'F1',
    host: (host) => ({
      ...host,
      fork: async (tenant, runId, fork) =>
        host.fork(tenant, runId, { ...fork, atStep: `${fork.atStep}/body` }),
    }),
  },
  'terms-forgotten': {
    law: 'F1',
    host: changingOtherwise(({ earlier: _earlier, ...changed }) => changed),
  },
  'old-terms-kept': {
    law: 'F2',
    host: changingOtherwise((changed, { earlier }) =>
      earlier === undefined ? changed : { ...changed, earlier },
    ),
  },
  'bundle-forgotten': {
    law: 'I6',
    ports: (ports) => ({
      ...ports,
      policy: {
        ...ports.policy,
        decide: async ({ bundle: _bundle, ...request }) => ports.policy.decide(request),
      },
    }),
  },
};

/** What a fork makes of the input of its run is something else. */
function changingOtherwise(
  rewrite: (changed: RunInput, given: RunInput) => RunInput,
): NonNullable<Bug['host']> {
  return (host) => ({
    ...host,
    fork: async (tenant, runId, fork) =>
      host.fork(tenant, runId, {
        ...fork,
        change: async (given, firstStep) => rewrite(await fork.change(given, firstStep), given),
      }),
  });
}
