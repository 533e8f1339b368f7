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
    host: (host) => ({
      ...host,
      fork: async (tenant, runId, fork) => {
        const change = async (given: RunInput, firstStep: string): Promise<RunInput> => {
          const { earlier: _earlier, ...input } = await fork.change(given, firstStep);
          return input;
        };
        return host.fork(tenant, runId, { ...fork, change });
      },
    }),
  },
  'old-terms-kept': {
    law: 'F2',
    host: (host) => ({
      ...host,
      fork: async (tenant, runId, fork) => {
        const change = async (given: RunInput, firstStep: string): Promise<RunInput> => {
          const changed = await fork.change(given, firstStep);
          const { earlier } = given;
          return earlier === undefined ? changed : { ...changed, earlier };
        };
        return host.fork(tenant, runId, { ...fork, change });
      },
    }),
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
