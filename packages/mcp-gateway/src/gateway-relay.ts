import { HostError } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { CatalogueTool } from './catalogue/catalogue-tool.ts';
import type { Catalogues } from './catalogue/catalogues.ts';
import {
  toAuthorizationOutcome,
  withoutAuthorizationAnswer,
} from './credentials/authorization-required.ts';
import type { Exchange, ExchangeContext, ExchangeOutcome, McpRelay } from './relay.ts';
import { guardResult } from './results/result-guard.ts';
import { isVisibleTo, messageBytesMaxOf } from './server-spec.ts';
import type { ToolServerSpec } from './server-spec.ts';
import type { SuppliedUpstream } from './supplied-upstream.ts';
import { withFacts } from './upstream/failures.ts';

/** What the relay works with. */
export interface GatewayRelayOptions {
  readonly catalogues: Catalogues;
  readonly upstreams: ReadonlyMap<string, SuppliedUpstream>;
  readonly onChange: McpRelay['onChange'];
}

/**
 * The relay over the upstreams themselves. A tool is looked up again when its call goes out: what was held back or
 * hidden meanwhile is not called, and the server's name of the tool is ours to say, not the caller's.
 */
export function createGatewayRelay(options: GatewayRelayOptions): McpRelay {
  const { catalogues, upstreams, onChange } = options;
  const read = createReader(catalogues);

  function supplied(alias: string, tenant: string): SuppliedUpstream {
    const known = upstreams.get(alias);
    if (known !== undefined && isVisibleTo(known.spec, tenant)) return known;
    throw new HostError('mcp_tool_not_found', 'no such tool server', { facts: { server: alias } });
  }

  return {
    catalogue: (tenant) => {
      for (const { spec, upstream } of upstreams.values()) {
        if (isVisibleTo(spec, tenant)) upstream.wake();
        catalogues.setState(spec.alias, upstream.status().state);
      }
      return catalogues.relayCatalogue(tenant);
    },
    exchange: async ({ alias, tool }, exchange, context) => {
      const target = supplied(alias, context.principal.tenant);
      const outgoing = withoutAuthorizationAnswer(exchange);
      try {
        if (exchange.method !== 'tools/call') return await read(target, outgoing, context);
        return await call(target, tool?.name ?? '', outgoing, context);
      } catch (thrown) {
        // A user who has to authorize the host first is asked to, where the caller can show it.
        const outcome = toAuthorizationOutcome(thrown, context.capabilities);
        if (outcome === undefined) throw thrown;
        return outcome;
      }
    },
    abandon: (principal, alias, requestState) => {
      const known = upstreams.get(alias);
      if (known !== undefined && isVisibleTo(known.spec, principal.tenant)) {
        known.upstream.abandon(principal, requestState);
      }
    },
    onChange,
    watchResource: async (principal, alias, uri) => {
      const { upstream } = supplied(alias, principal.tenant);
      catalogues.requireOpen(alias);
      return upstream.watchResource(principal, uri);
    },
  };

  async function call(
    target: SuppliedUpstream,
    name: string,
    exchange: Exchange,
    context: ExchangeContext,
  ): Promise<ExchangeOutcome> {
    const { tenant } = context.principal;
    const { spec, upstream } = target;
    let tool = toolOf(spec, tenant, name);
    checkArguments(tool, exchange.params);
    const { serverTool, effect } = tool.definition;
    const params = { ...exchange.params, name: serverTool };
    const outcome = await upstream.exchange({ method: 'tools/call', params }, context, {
      tool: tool.relay.listed,
      isRepeatable: effect === 'none' || effect === 'idempotent',
      // A new connection may have brought a new catalogue.
      check: () => {
        const now = toolOf(spec, tenant, name);
        if (now !== tool) checkArguments(now, exchange.params);
        tool = now;
      },
    });
    return guardOutcome(target, outcome, tool);
  }

  function toolOf(spec: ToolServerSpec, tenant: string, name: string): CatalogueTool {
    const tool = catalogues.toolFor(tenant, name);
    if (tool.definition.server === spec.alias) return tool;
    throw new HostError('mcp_tool_not_found', 'no such tool', { facts: { tool: name } });
  }
}

/** What is asked beside tools. It is looked at again when it goes out, as a tool is. */
function createReader(
  catalogues: Catalogues,
): (
  target: SuppliedUpstream,
  exchange: Exchange,
  context: ExchangeContext,
) => Promise<ExchangeOutcome> {
  return async (target, exchange, context) => {
    const check = (): void => catalogues.requireOpen(target.spec.alias);
    check();
    const rules = { tool: undefined, isRepeatable: true, check };
    const outcome = await target.upstream.exchange(exchange, context, rules);
    return guardOutcome(target, outcome, undefined);
  };
}

function checkArguments(tool: CatalogueTool, params: JsonObject): void {
  const { name, server } = tool.definition;
  const violations = tool.check(params['arguments'] ?? {});
  if (violations.length === 0) return;
  const facts = { server, tool: name };
  const message = `${name}: the arguments do not fit its schema`;
  throw new HostError('tool_arguments_invalid', message, { facts, violations });
}

function guardOutcome(
  { spec, log }: SuppliedUpstream,
  outcome: ExchangeOutcome,
  tool: CatalogueTool | undefined,
): ExchangeOutcome {
  if (outcome.kind !== 'complete') return outcome;
  const common = { server: spec.alias, textMax: messageBytesMaxOf(spec), log };
  const { checkOutput: check } = tool ?? {};
  const output = check === undefined ? {} : { output: { check, onMisfit: spec.outputSchema } };
  const named = tool === undefined ? {} : { tool: tool.definition.name };
  try {
    guardResult(outcome.result, { ...common, ...named, ...output });
  } catch (cause) {
    throw cause instanceof HostError ? withFacts(cause, { sent: 'true' }) : cause;
  }
  return outcome;
}
