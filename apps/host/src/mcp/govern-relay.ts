import { HostError, isJsonObject } from '@modelhost/kernel';
import type { Ids, JsonObject, Principal, ToolDefinition, ToolGateway } from '@modelhost/kernel';
import type { CallGovernor, DirectResults } from '@modelhost/agent-core';
import type { Exchange, ExchangeContext, ExchangeOutcome, McpRelay } from '@modelhost/mcp-gateway';
import { relayedAnswer } from './relayed-answer.ts';

/** What goes around a relay. */
export interface GovernedRelayPorts {
  readonly relay: McpRelay;
  readonly tools: Pick<ToolGateway, 'listTools' | 'checkArguments'>;
  readonly governor: CallGovernor;
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
export function governRelay({ relay, tools, governor, ids }: GovernedRelayPorts): McpRelay {
  const indexes = new WeakMap<readonly ToolDefinition[], ReadonlyMap<string, ToolDefinition>>();

  function definitionOf(tenant: string, name: string): ToolDefinition {
    const listed = tools.listTools(tenant);
    const index = indexes.get(listed) ?? new Map(listed.map((tool) => [tool.name, tool]));
    indexes.set(listed, index);
    const tool = index.get(name);
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
    const outcome = await governor.govern(
      { callId: ids.create('mcp'), principal, agent, tool, arguments: values },
      async ({ timeoutMsMax = Infinity }) => {
        const timeoutMs = Math.min(context.timeoutMs, timeoutMsMax);
        return relay.exchange(target, asked, { ...context, timeoutMs });
      },
      relayed,
    );
    if (!asksForUnsafeLink(outcome)) return outcome;
    if (outcome.requestState !== undefined) {
      relay.abandon(principal, target.alias, outcome.requestState);
    }
    const message = `${tool.name}: it wants a person to open an address that is not one of the web`;
    throw new HostError('mcp_protocol_error', message, { facts: { tool: tool.name } });
  }

  /** Decided as the reading that it announces. Refused, it is on record, and nothing is ever reported. */
  function watchResource(principal: Principal, alias: string, uri: string): () => void {
    let stop: (() => void) | undefined;
    let isOver = false;
    const { tool, values } = readingOf(alias, { method: 'resources/read', params: { uri } });
    const watch = async (): Promise<void> => {
      if (!isOver) stop = relay.watchResource(principal, alias, uri);
    };
    const call = { callId: ids.create('mcp'), principal, agent, tool, arguments: values };
    governor.govern(call, watch, watching).catch(() => {});
    return () => {
      isOver = true;
      stop?.();
    };
  }

  return { ...relay, exchange, watchResource };
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

type InputRequired = Extract<ExchangeOutcome, { readonly kind: 'input-required' }>;

/** A server may send a person to a page, not to a script, a file, or a page that looks like another (`bank.com@evil.com`). */
function asksForUnsafeLink(outcome: ExchangeOutcome): outcome is InputRequired {
  if (outcome.kind !== 'input-required') return false;
  return Object.values(outcome.inputRequests).some(
    ({ method, params }) =>
      method === 'elicitation/create' && params['mode'] === 'url' && !isWebAddress(params['url']),
  );
}

function isWebAddress(text: unknown): boolean {
  const url = typeof text === 'string' ? URL.parse(text) : null;
  if (url === null || url.username !== '' || url.password !== '') return false;
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback);
}

const relayed: DirectResults<ExchangeOutcome> = { outcomeOf, answerOf: relayedAnswer };
/** What comes of a watch is told by the server later: that something changed, and nothing else. */
const watching: DirectResults<void> = { outcomeOf: () => 'watched', answerOf: () => undefined };

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
