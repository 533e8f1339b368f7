import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { HealthStatus, ToolEffect, ToolServerState } from '@modelhost/contracts';
import type { SystemService, ToolService } from '@modelhost/contracts';
import type { ToolEffect as Effect, ToolGateway, ToolServerStatus } from '@modelhost/kernel';
import type { Readiness, ReadinessStatus } from '../health/readiness.ts';
import type { Handlers } from './service.ts';

const effects: Readonly<Record<Effect, ToolEffect>> = {
  none: ToolEffect.NONE,
  idempotent: ToolEffect.IDEMPOTENT,
  reversible: ToolEffect.REVERSIBLE,
  irreversible: ToolEffect.IRREVERSIBLE,
};
const serverStates: Readonly<Record<ToolServerStatus['state'], ToolServerState>> = {
  idle: ToolServerState.IDLE,
  connecting: ToolServerState.CONNECTING,
  ready: ToolServerState.READY,
  degraded: ToolServerState.DEGRADED,
  open: ToolServerState.OPEN,
  quarantined: ToolServerState.QUARANTINED,
  failed: ToolServerState.FAILED,
  closed: ToolServerState.CLOSED,
};
const statuses: Readonly<Record<ReadinessStatus, HealthStatus>> = {
  up: HealthStatus.UP,
  degraded: HealthStatus.DEGRADED,
  down: HealthStatus.DOWN,
};

/** The tools that the host can reach. */
export function createToolService(tools: ToolGateway): Handlers<typeof ToolService> {
  return {
    listTools: async (_request, { principal }) => ({
      tools: sorted(tools.listTools(principal.tenant), ({ name }) => name).map((tool) => ({
        name: tool.name,
        description: tool.description,
        inputSchemaJson: JSON.stringify(tool.inputSchema),
        effect: effects[tool.effect],
        server: tool.server,
        serverTool: tool.serverTool,
      })),
      servers: sorted(tools.servers(), ({ alias }) => alias).map(
        ({ alias, state, toolCount, error }) => ({
          alias,
          state: serverStates[state],
          toolCount,
          error: error ?? '',
        }),
      ),
    }),
  };
}

function sorted<Item>(items: readonly Item[], keyOf: (item: Item) => string): readonly Item[] {
  return items.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

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
