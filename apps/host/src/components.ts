import { HostError } from '@modelhost/kernel';
import type { Parts } from './compose.ts';
import type { Component } from './health/readiness.ts';
import type { PolicyControl } from './policy/policy-control.ts';

/** The parts whose health is asked for. */
export type ComponentParts = Pick<Parts, 'audit' | 'providers'> & {
  readonly storage: { check(): Promise<void> };
  readonly policyControl: Pick<PolicyControl, 'status' | 'check'>;
  readonly tools: Pick<Parts['tools'], 'servers'>;
};

/**
 * What `/ready` asks. Without audit, storage or policy the host cannot serve; an outage of a provider or a tool server is outside
 * and only degrades it, since it would take every replica away at once.
 */
export function createComponents({
  audit,
  storage,
  policyControl,
  providers,
  tools,
}: ComponentParts): readonly Component[] {
  return [
    { name: 'audit', isRequired: true, check: async () => audit.check() },
    { name: 'storage', isRequired: true, check: async () => storage.check() },
    {
      name: 'policy',
      // With the last good rules the host still serves; it cannot when everything is denied.
      get isRequired() {
        return policyControl.status().state === 'down';
      },
      check: async () => policyControl.check(),
    },
    ...Array.from(providers, ([name, provider]) => ({
      name: `provider/${name}`,
      isRequired: false,
      check: async (signal: AbortSignal) => provider.check({ signal }),
    })),
    ...tools.servers().map(({ alias }) => ({
      name: `tools/${alias}`,
      isRequired: false,
      check: async () => {
        const server = tools.servers().find((status) => status.alias === alias);
        // One that nobody has needed yet, or for a while, is well.
        if (server?.state === 'ready' || server?.state === 'idle') return;
        const reason = server?.error ?? `the tool server is ${server?.state ?? 'gone'}`;
        throw new HostError('mcp_connection_failed', reason);
      },
    })),
  ];
}
