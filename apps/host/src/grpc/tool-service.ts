import type { ToolService } from '@modelhost/contracts';
import type { CallGovernor } from '@modelhost/agent-core';
import { HostError, isJsonObject } from '@modelhost/kernel';
import type {
  AuditLog,
  Ids,
  JsonObject,
  PolicyEngine,
  Principal,
  ToolDefinition,
} from '@modelhost/kernel';
import type { McpGateway } from '@modelhost/mcp-gateway';
import { createApproveTools } from './approve-tools.ts';
import { createAuthorizeTools } from './authorize-tools.ts';
import { createFieldReader, refuseIfAny } from './field-reader.ts';
import { isReader } from './reader-roles.ts';
import type { Handlers } from './service.ts';
import { toPinMessage, toPinSetMessage, toServerMessage, toToolMessage } from './tool-message.ts';
import { createTryCall, directAgent } from './try-call.ts';

/** What the service works with. */
export interface ToolServiceOptions {
  readonly gateway: Pick<
    McpGateway,
    'listTools' | 'checkArguments' | 'callTool' | 'servers' | 'pins' | 'authorizations'
  > & { readonly relay: Pick<McpGateway['relay'], 'catalogue'> };
  readonly governor: CallGovernor;
  readonly policy: Pick<PolicyEngine, 'visible'>;
  readonly audit: AuditLog;
  readonly ids: Ids;
}

type Service = Handlers<typeof ToolService>;

/** The tools that the host can reach, as the contract says. Servers of other tenants are as absent as those that never were. */
export function createToolService(options: ToolServiceOptions): Service {
  const { gateway } = options;
  const servers = (principal: Principal) => visibleServers(gateway, principal).map(toServerMessage);

  return {
    listTools: async (_request, { principal }) => {
      const listed = listedTools(gateway, principal);
      const tools = sorted(await shownTools(options, principal), ({ name }) => name);
      return {
        tools: tools.map((tool) => toToolMessage(tool, listed.get(tool.name))),
        servers: servers(principal),
      };
    },
    listToolServers: async (_request, { principal }) => ({ servers: servers(principal) }),
    getTool: async ({ name }, { principal }) => describeTool(gateway, principal, name),
    callTool: createTryCall(options),
    listToolPins: async ({ alias, pendingOnly }, { principal }) => {
      const isAsked = (item: { readonly alias: string }): boolean =>
        alias === '' || item.alias === alias;
      const pins = gateway.pins.list(principal.tenant).filter(isAsked);
      const sets = gateway.pins.sets(principal.tenant).filter(isAsked);
      const isPending = ({ state }: (typeof pins)[number]): boolean =>
        state === 'new' || state === 'quarantined';
      return {
        pins: (pendingOnly ? pins.filter(isPending) : pins).map(toPinMessage),
        sets: sets.map(toPinSetMessage),
      };
    },
    approveTools: createApproveTools(options),
    ...createAuthorizeTools(options),
  };
}

function visibleServers(
  gateway: ToolServiceOptions['gateway'],
  { tenant }: Principal,
): ReturnType<McpGateway['servers']> {
  const visible = new Set(gateway.pins.sets(tenant).map(({ alias }) => alias));
  return sorted(
    gateway.servers().filter(({ alias }) => visible.has(alias)),
    ({ alias }) => alias,
  );
}

/** The whole catalogue for whoever looks after it; for others what they could be allowed to call. */
async function shownTools(
  { gateway, policy }: ToolServiceOptions,
  principal: Principal,
): Promise<readonly ToolDefinition[]> {
  const tools = gateway.listTools(principal.tenant);
  if (isReader(principal)) return tools;
  return policy.visible({ principal, agent: directAgent, isDelegated: false }, tools);
}

function listedTools(
  gateway: ToolServiceOptions['gateway'],
  { tenant }: Principal,
): ReadonlyMap<string, JsonObject> {
  const { tools } = gateway.relay.catalogue(tenant);
  return new Map(tools.map(({ name, listed }) => [name, listed]));
}

async function describeTool(
  gateway: ToolServiceOptions['gateway'],
  principal: Principal,
  name: string,
): ReturnType<Service['getTool']> {
  const reader = createFieldReader();
  reader.text('name', name, { min: 1, max: 128 });
  refuseIfAny(reader);
  const { tenant } = principal;
  const tool: ToolDefinition | undefined = gateway
    .listTools(tenant)
    .find((known) => known.name === name);
  const pin = gateway.pins.list(tenant).find((known) => known.name === name);
  if (tool === undefined && pin === undefined) {
    throw new HostError('mcp_tool_not_found', `there is no tool ${name}`, {
      facts: { tool: name },
    });
  }
  const listed = listedTools(gateway, principal).get(name);
  const outputSchema = listed?.['outputSchema'];
  return {
    ...(tool === undefined ? {} : { tool: toToolMessage(tool, listed) }),
    outputSchemaJson: isJsonObject(outputSchema) ? JSON.stringify(outputSchema) : '',
    ...(pin === undefined ? {} : { pin: toPinMessage(pin) }),
  };
}

function sorted<Item>(items: readonly Item[], keyOf: (item: Item) => string): readonly Item[] {
  return items.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}
