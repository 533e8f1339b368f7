import { canonicalJson, sha256Hex } from '@modelhost/kernel';
import type { AgentSpec, Json, ModelRoute, Sampling } from '@modelhost/kernel';
import type { AgentConfig, ConfigTree } from './config/tree.ts';

/** A route with what only the catalogue shows. */
export type ConfiguredRoute = ModelRoute & { readonly isDemo: boolean };

/** Every route of every provider. */
export function readRoutes({ providers }: ConfigTree): readonly ConfiguredRoute[] {
  return providers.flatMap(({ name, type, models }) =>
    models.map((model) => ({
      id: model.id,
      provider: name,
      model: model.model,
      contextTokensMax: model.contextTokens,
      outputTokensMax: model.maxOutputTokens,
      // US dollars per million tokens are millionths of a dollar per token.
      inputMicroUsdPerToken: model.inputUsdPerMillionTokens,
      outputMicroUsdPerToken: model.outputUsdPerMillionTokens,
      isDemo: type === 'scripted',
    })),
  );
}

/** Every agent by its id, with its route. */
export function readAgents(
  { agents }: ConfigTree,
  routes: readonly ConfiguredRoute[],
): ReadonlyMap<string, AgentSpec> {
  return new Map(
    agents.flatMap((agent) => {
      const found = routes.find(({ id }) => id === agent.model);
      if (found === undefined) return [];
      const { isDemo: _isDemo, ...route } = found;
      return [[agent.id, toSpec(agent, route)] as const];
    }),
  );
}

function toSpec(agent: AgentConfig, route: ModelRoute): AgentSpec {
  const { id, description, instructions, tools, budget } = agent;
  const spec = {
    id,
    description,
    instructions,
    route,
    tools,
    budget: {
      tokensMax: budget.maxTokens,
      costMicroUsdMax: Math.round(budget.maxCostUsd * 1_000_000),
      stepsMax: budget.maxSteps,
      toolCallsMax: budget.maxToolCalls,
      durationMsMax: budget.maxDurationMs,
    },
    sampling: toSampling(agent.sampling),
    toolCallsInFlightMax: agent.maxToolCallsInFlight,
    toolCallTimeoutMs: agent.toolCallTimeoutMs,
    modelCallTimeoutMs: agent.modelCallTimeoutMs,
    approvalTimeoutMs: agent.approvalTimeoutMs,
    samplingServers: agent.samplingServers,
    toolSearch: agent.toolSearch,
    ...(agent.compaction === 'auto' ? { compactAtPercent: agent.compactAtPercent } : {}),
  };
  // A spec is JSON: strings, numbers and lists of them.
  const version = sha256Hex(canonicalJson(spec as unknown as Json)).slice(0, 12);
  return { ...spec, version };
}

function toSampling(given: AgentConfig['sampling']): Sampling {
  // Without the members that are undefined it is a Sampling: the names are the same.
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as Sampling;
}
