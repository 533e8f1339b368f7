import { HostError } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import type { McpGateway } from '@modelhost/mcp-gateway';

/** What tells which servers a tenant may see. */
export interface ServerSets {
  readonly pins: Pick<McpGateway['pins'], 'sets'>;
}

/** Whether the tenant of the caller has a server of this alias. */
export function hasServer({ pins }: ServerSets, { tenant }: Principal, alias: string): boolean {
  return pins.sets(tenant).some((set) => set.alias === alias);
}

/** Throws `not_found`: what another tenant alone may see is not there. */
export function checkServer(sets: ServerSets, principal: Principal, alias: string): void {
  if (hasServer(sets, principal, alias)) return;
  throw new HostError('not_found', `there is no tool server ${alias}`);
}
