import { HealthStatus } from '@modelhost/contracts';

/** The status of a host or a part of it; a newer host may send one that is not in this table. */
export const healthNames: Readonly<Record<number, string>> = {
  [HealthStatus.UP]: 'up',
  [HealthStatus.DEGRADED]: 'degraded',
  [HealthStatus.DOWN]: 'down',
};
