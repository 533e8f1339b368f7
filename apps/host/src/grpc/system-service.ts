import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { HealthStatus } from '@modelhost/contracts';
import type { SystemService } from '@modelhost/contracts';
import type { Readiness, ReadinessStatus } from '../health/readiness.ts';
import type { Handlers } from './service.ts';

const statuses: Readonly<Record<ReadinessStatus, HealthStatus>> = {
  up: HealthStatus.UP,
  degraded: HealthStatus.DEGRADED,
  down: HealthStatus.DOWN,
};

/** The host itself. */
export function createSystemService(options: {
  readonly version: string;
  readonly readiness: Readiness;
  readonly runsInFlight: () => number;
}): Handlers<typeof SystemService> {
  const { version, readiness, runsInFlight } = options;
  return {
    getStatus: async () => {
      const report = await readiness.report();
      return {
        version,
        status: statuses[report.status],
        components: report.components.map(({ name, status, latencyMs, error }) => ({
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
