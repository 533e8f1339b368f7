import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { HealthStatus } from '@modelhost/contracts';
import type { SystemService } from '@modelhost/contracts';
import { toErrorData } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import type { ComponentReport, Readiness, ReadinessStatus } from '../health/readiness.ts';
import type { PolicyControl } from '../policy/policy-control.ts';
import type { Handlers } from './service.ts';
import { hasServer } from './visible-servers.ts';
import type { ServerSets } from './visible-servers.ts';

const statuses: Readonly<Record<ReadinessStatus, HealthStatus>> = {
  up: HealthStatus.UP,
  degraded: HealthStatus.DEGRADED,
  down: HealthStatus.DOWN,
};

interface SystemServiceOptions {
  readonly version: string;
  readonly readiness: Readiness;
  readonly gateway: ServerSets;
  readonly policyControl: Pick<PolicyControl, 'check'>;
  readonly runsInFlight: () => number;
}

/** The host itself; its status is that of all parts, those that the caller does not see too. */
export function createSystemService(options: SystemServiceOptions): Handlers<typeof SystemService> {
  const { version, readiness, runsInFlight } = options;
  return {
    getStatus: async (_request, { principal }) => {
      const report = await readiness.report();
      const components = await shownTo(principal, report.components, options);
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

/** Without what is of other tenants alone: their tool servers, and what is wrong with their bundles. */
async function shownTo(
  principal: Principal,
  components: readonly ComponentReport[],
  { gateway, policyControl }: Pick<SystemServiceOptions, 'gateway' | 'policyControl'>,
): Promise<readonly ComponentReport[]> {
  const shown = components.filter(
    ({ name }) =>
      !name.startsWith('tools/') || hasServer(gateway, principal, name.slice('tools/'.length)),
  );
  const isHurt = ({ name, error }: ComponentReport): boolean =>
    name === 'policy' && error !== undefined;
  if (!shown.some(isHurt)) return shown;
  const error = await policyControl.check(principal.tenant).then(
    () => 'something is wrong with the rules of other tenants',
    (thrown: unknown) => toErrorData(thrown).message,
  );
  return shown.map((component) => (isHurt(component) ? { ...component, error } : component));
}
