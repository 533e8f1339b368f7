import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { HealthStatus } from '@modelhost/contracts';
import type { SystemService } from '@modelhost/contracts';
import type { Readiness, ReadinessStatus } from '../health/readiness.ts';
import type { Handlers } from './service.ts';
import { hasServer } from './visible-servers.ts';
import type { ServerSets } from './visible-servers.ts';

const statuses: Readonly<Record<ReadinessStatus, HealthStatus>> = {
  up: HealthStatus.UP,
  degraded: HealthStatus.DEGRADED,
  down: HealthStatus.DOWN,
};

/** The host itself; its status is that of all parts, those that the caller does not see too. */
export function createSystemService(options: {
  readonly version: string;
  readonly readiness: Readiness;
  readonly gateway: ServerSets;
  readonly runsInFlight: () => number;
}): Handlers<typeof SystemService> {
  const { version, readiness, gateway, runsInFlight } = options;
  return {
    getStatus: async (_request, { principal }) => {
      const report = await readiness.report();
      // A tool server of other tenants alone is not there.
      const components = report.components.filter(
        ({ name }) =>
          !name.startsWith('tools/') || hasServer(gateway, principal, name.slice('tools/'.length)),
      );
      return {
        version,
        status: statuses[report.status],
        components: components.map(({ name, status, latencyMs, error }) => ({
          name,
          status: statuses[status],
          latency: durationFromMs(Math.round(latencyMs)),
          error: error ?? '',
        })),
        time: timestampFromMs(report.timeMs),
        runsInFlight: runsInFlight(),
        draining: report.isDraining,
      };
    },
  };
}
