import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { GetStatusRequestSchema } from '@modelhost/contracts';
import { HostError } from '@modelhost/kernel';
import type { ComponentReport } from '../health/readiness.ts';
import { createSystemService } from './system-service.ts';

const up = { status: 'up', latencyMs: 1, error: undefined } as const;
const degraded = { ...up, status: 'degraded' } as const;

/** What a caller of the tenant is told of each component. */
async function told(
  components: readonly ComponentReport[],
  tenant: string,
): Promise<readonly (readonly [name: string, error: string])[]> {
  const service = createSystemService({
    version: '1',
    readiness: {
      report: async () => ({ status: 'degraded', isDraining: false, components, timeMs: 1 }),
      drain: () => {},
    },
    gateway: {
      pins: {
        sets: (asked) =>
          ['own', 'shared']
            .filter((alias) => alias === 'shared' || asked === 'acme')
            .map((alias) => ({ alias, setDigest: '', approvedSetDigest: '', quarantined: 0 })),
      },
    },
    policyControl: {
      check: async (asked) => {
        if (asked === 'acme') throw new HostError('failed_precondition', 'acme.mhpb: is damaged');
      },
    },
    runsInFlight: () => 0,
  });
  const principal = { tenant, subject: 'ann', roles: [] };
  const { signal } = new AbortController();
  const call = { principal, signal, timeoutMs: 1_000 };
  const status = await service.getStatus(create(GetStatusRequestSchema), call);
  return (status.components ?? []).map(({ name = '', error = '' }) => [name, error]);
}

test('a caller is told of the tool servers and the policy of its own tenant', async () => {
  const components = [
    { ...degraded, name: 'policy', error: 'acme.mhpb: is damaged; beta.mhpb: is damaged' },
    { ...up, name: 'provider/main' },
    { ...up, name: 'tools/own' },
    { ...degraded, name: 'tools/shared', error: 'it has ended' },
  ];
  assert.deepEqual(await told(components, 'acme'), [
    ['policy', 'acme.mhpb: is damaged'],
    ['provider/main', ''],
    ['tools/own', ''],
    ['tools/shared', 'it has ended'],
  ]);
  assert.deepEqual(await told(components, 'gamma'), [
    ['policy', 'something is wrong with the rules of other tenants'],
    ['provider/main', ''],
    ['tools/shared', 'it has ended'],
  ]);
});
