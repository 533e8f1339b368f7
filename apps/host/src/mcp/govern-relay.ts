import { HostError, isJsonObject } from '@modelhost/kernel';
import type {
  Ids,
  Json,
  JsonObject,
  PolicyEngine,
  Principal,
  ToolDefinition,
  ToolGateway,
} from '@modelhost/kernel';
import type { CallGovernor, DirectResults, PermittedCall } from '@modelhost/agent-core';
import type {
  Exchange,
  ExchangeContext,
  ExchangeOutcome,
  McpRelay,
  RelayTool,
} from '@modelhost/mcp-gateway';
import { mapJsonObject } from './mcp-members.ts';
import { mapOutcome, relayedAnswer } from './relayed-answer.ts';

/** What goes around a relay. */
export interface GovernedRelayPorts {
  readonly relay: McpRelay;
  readonly tools: Pick<ToolGateway, 'listTools' | 'checkArguments'>;
  readonly governor: CallGovernor;
  readonly policy: Pick<PolicyEngine, 'visible'>;
  /** Tells when other rules are in force. Returns the way to stop. */
  readonly onPolicyChange: (listener: () => void) => () => void;
  readonly ids: Ids;
}

/** Under this name policy sees whoever asks through the façade: `context.agent == "mcp"`. */
const agent = 'mcp';

type RelayTarget = Parameters<McpRelay['exchange']>[0];

/**
 * A relay on which nothing is asked of a tool server without a decision and a record. What is no tool is decided as the
 * call of one that changes nothing: `alias__mcp-resources-read` with `uri`, `alias__mcp-prompts-get` with `name` and
 * `arguments`, `alias__mcp-completion-complete` with `ref`.
 */
export function governRelay(ports: GovernedRelayPorts): McpRelay {
  const { relay, tools, governor, policy, onPolicyChange, ids } = ports;
  const indexOf = createIndexes(tools);

  function definitionOf(tenant: string, name: string): ToolDefinition {
    const tool = indexOf(tenant).get(name);
    if (tool !== undefined) return tool;
    throw new HostError('mcp_tool_not_found', 'no such tool', { facts: { tool: name } });
  }

  function callOf(
    target: RelayTarget,
    asked: Exchange,
    tenant: string,
  ): { readonly tool: ToolDefinition; readonly values: JsonObject } {
    if (target.tool === undefined) return readingOf(target.alias, asked);
    const tool = definitionOf(tenant, target.tool.name);
    const given = asked.params['arguments'] ?? {};
    const values = isJsonObject(given) ? given : refuseArguments(tool);
    const violations = tools.checkArguments(tool.name, values);
    if (violations.length === 0) return { tool, values };
    const message = `${tool.name}: the arguments do not fit its schema`;
    throw new HostError('tool_arguments_invalid', message, {
      facts: { tool: tool.name },
      violations,
    });
  }

  async function exchange(
    target: RelayTarget,
    asked: Exchange,
    context: ExchangeContext,
  ): Promise<ExchangeOutcome> {
    const { principal } = context;
    const { tool, values } = callOf(target, asked, principal.tenant);
    return governor.govern(
      { callId: ids.create('mcp'), principal, agent, tool, arguments: values },
      async (permitted) => {
        const { timeoutMsMax = Infinity } = permitted.limits;
        const timeoutMs = Math.min(context.timeoutMs, timeoutMsMax);
        const outgoing = { ...asked, params: paramsOf(target, asked, values, permitted) };
        return relay.exchange(target, outgoing, { ...hideTold(context, permitted), timeoutMs });
      },
      relayed,
    );
  }

  /** One that is held back meanwhile cannot be called, so it is not seen. */
  async function visible(principal: Principal, asked: readonly RelayTool[]): Promise<Set<string>> {
    const index = indexOf(principal.tenant);
    const known = asked.flatMap(({ name }) => index.get(name) ?? []);
    const seen = await policy.visible({ principal, agent, isDelegated: false }, known);
    return new Set(seen.map(({ name }) => name));
  }

  const onChange: McpRelay['onChange'] = (listener) => {
    const stopRelay = relay.onChange(listener);
    const stopPolicy = onPolicyChange(() => listener({ type: 'visibility' }));
    return () => {
      stopRelay();
      stopPolicy();
    };
  };

  return { ...relay, visible, exchange, onChange, watchResource: createWatch(ports) };
}

/** Decided as the reading that a watch announces. */
function createWatch({ relay, governor, ids }: GovernedRelayPorts): McpRelay['watchResource'] {
  return async (principal, alias, uri) => {
    const { tool, values } = readingOf(alias, { method: 'resources/read', params: { uri } });
    const call = { callId: ids.create('mcp'), principal, agent, tool, arguments: values };
    const begun: (() => void)[] = [];
    const watch = async (permitted: PermittedCall): Promise<() => void> => {
      const { uri: outgoing } = permitted.arguments;
      const stop = await relay.watchResource(principal, alias, textOf(outgoing));
      begun.push(stop);
      return stop;
    };
    try {
      return await governor.govern(call, watch, watching);
    } catch (thrown) {
      // What could not be put on record must not go on, and nobody else could stop it.
      for (const stop of begun) stop();
      throw thrown;
    }
  };
}

type Definitions = ReadonlyMap<string, ToolDefinition>;

/** The tools of a tenant by their names, indexed once for each list of them. */
function createIndexes({
  listTools,
}: Pick<ToolGateway, 'listTools'>): (tenant: string) => Definitions {
  const indexes = new WeakMap<readonly ToolDefinition[], Definitions>();
  return (tenant) => {
    const listed = listTools(tenant);
    const index = indexes.get(listed) ?? new Map(listed.map((tool) => [tool.name, tool]));
    indexes.set(listed, index);
    return index;
  };
}

/** What changes nothing at a server, as a tool of it. */
function readingOf(
  alias: string,
  { method, params }: Exchange,
): { readonly tool: ToolDefinition; readonly values: JsonObject } {
  const serverTool = `mcp-${method.replace('/', '-')}`;
  const { uri, name, arguments: given, ref } = params;
  const values = Object.fromEntries(
    Object.entries({ uri, name, arguments: given, ref }).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, value]],
    ),
  );
  const tool: ToolDefinition = {
    name: `${alias}__${serverTool}`,
    description: '',
    inputSchema: readingSchema,
    effect: 'none',
    integrity: 'untrusted',
    decisionArguments: [],
    server: alias,
    serverTool,
    executor: 'host',
  };
  return { tool, values };
}

const readingSchema: JsonObject = {
  type: 'object',
  properties: { uri: { type: 'string' }, name: { type: 'string' } },
};

function refuseArguments({ name }: ToolDefinition): never {
  throw new HostError('tool_arguments_invalid', `${name}: the arguments must be an object`, {
    facts: { tool: name },
    violations: [{ field: 'arguments', description: 'must be an object' }],
  });
}

/** The params with what may be sent in the place of what was asked; the same ones where that is the same. */
function paramsOf(
  target: RelayTarget,
  { params }: Exchange,
  values: JsonObject,
  permitted: PermittedCall,
): JsonObject {
  if (permitted.arguments === values) return params;
  return target.tool === undefined
    ? { ...params, ...permitted.arguments }
    : { ...params, arguments: permitted.arguments };
}

/** What is told meanwhile is text of the server, too. It is told in its order, and not at all where nothing can be hidden in it. */
function hideTold(context: ExchangeContext, { told }: PermittedCall): ExchangeContext {
  const { onProgress, onLog } = context;
  const hiding = (tell: (params: JsonObject) => void) => (params: JsonObject) => {
    told()
      .then((change) => tell(mapJsonObject(params, change)))
      .catch(() => {});
  };
  return {
    ...context,
    ...(onProgress === undefined ? {} : { onProgress: hiding(onProgress) }),
    ...(onLog === undefined ? {} : { onLog: hiding(onLog) }),
  };
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

const relayed: DirectResults<ExchangeOutcome> = {
  outcomeOf,
  answerOf: relayedAnswer,
  map: mapOutcome,
};
/** What comes of a watch is told by the server later: that something changed, and nothing else. */
const watching: DirectResults<() => void> = {
  outcomeOf: () => 'watched',
  answerOf: () => undefined,
  map: (stop) => stop,
};

function outcomeOf(outcome: ExchangeOutcome): string {
  switch (outcome.kind) {
    case 'complete':
      return outcome.result['isError'] === true ? 'tool_error' : 'ok';
    case 'input-required':
      return 'input_required';
    case 'error':
      return 'refused';
  }
}
