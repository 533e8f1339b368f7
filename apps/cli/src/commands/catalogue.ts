import { create } from '@bufbuild/protobuf';
import {
  ListAgentsResponseSchema,
  ListModelsResponseSchema,
  ListToolsResponseSchema,
  ToolEffect,
  ToolServerState,
} from '@modelhost/contracts';
import type { Budget } from '@modelhost/contracts';
import type { CliContext } from '../context.ts';
import { withClient } from '../connection.ts';
import { toJsonText, toTable } from '../output.ts';
import { toLine } from '../printable.ts';
import { formatCost } from '../quantities.ts';
import type { ConnectionFlags, JsonFlag } from '../routes/flags.ts';

type Flags = ConnectionFlags & JsonFlag;

/** Agents with model, tools and budget. */
export async function listAgents(context: CliContext, flags: Flags): Promise<void> {
  await withClient(context, flags, async (client) => {
    const agents = [...(await client.listAgents())];
    if (flags.json === true) {
      const answer = create(ListAgentsResponseSchema, { agents });
      return context.print(`${toJsonText(ListAgentsResponseSchema, answer, 2)}\n`);
    }
    const rows = agents.map(({ id, model, tools, budget, description }) => [
      id,
      model,
      toLine(tools.join(' '), 60),
      formatBudget(budget),
      toLine(description, 80),
    ]);
    context.print(toTable(['AGENT', 'MODEL', 'TOOLS', 'BUDGET', 'DESCRIPTION'], rows));
  });
}

/** Models with provider and price. */
export async function listModels(context: CliContext, flags: Flags): Promise<void> {
  await withClient(context, flags, async (client) => {
    const models = [...(await client.listModels())];
    if (flags.json === true) {
      const answer = create(ListModelsResponseSchema, { models });
      return context.print(`${toJsonText(ListModelsResponseSchema, answer, 2)}\n`);
    }
    const rows = models.map((model) => [
      model.id,
      model.provider,
      `${toLine(model.model, 60)}${model.demo ? ' (demo, no language model)' : ''}`,
      String(model.contextTokens),
      `$${model.inputUsdPerMillionTokens} / $${model.outputUsdPerMillionTokens}`,
    ]);
    context.print(
      toTable(['MODEL', 'PROVIDER', 'NAME THERE', 'CONTEXT', 'USD PER M IN / OUT'], rows),
    );
  });
}

/** Tools, and the state of each tool server. */
export async function listTools(context: CliContext, flags: Flags): Promise<void> {
  await withClient(context, flags, async (client) => {
    const answer = await client.listTools();
    if (flags.json === true) {
      return context.print(`${toJsonText(ListToolsResponseSchema, answer, 2)}\n`);
    }
    const tools = answer.tools.map(({ name, effect, description }) => [
      toLine(name, 64),
      effectNames[effect] ?? 'unknown',
      toLine(description, 80),
    ]);
    context.print(toTable(['TOOL', 'EFFECT', 'DESCRIPTION'], tools));
    const servers = answer.servers.map(({ alias, state, toolCount, error }) => [
      alias,
      serverStateNames[state] ?? 'unknown',
      String(toolCount),
      toLine(error, 120),
    ]);
    context.print(`\n${toTable(['SERVER', 'STATE', 'TOOLS', 'ERROR'], servers)}`);
  });
}

function formatBudget(budget: Budget | undefined): string {
  const { maxTokens, maxCostMicroUsd } = budget ?? {};
  return [
    ...(maxTokens === undefined ? [] : [`${maxTokens} tokens`]),
    ...(maxCostMicroUsd === undefined ? [] : [formatCost(maxCostMicroUsd)]),
  ].join(', ');
}

// A newer host may send values that are not in these tables.
const effectNames: Readonly<Record<number, string>> = {
  [ToolEffect.NONE]: 'none',
  [ToolEffect.IDEMPOTENT]: 'idempotent',
  [ToolEffect.REVERSIBLE]: 'reversible',
  [ToolEffect.IRREVERSIBLE]: 'irreversible',
};

const serverStateNames: Readonly<Record<number, string>> = {
  [ToolServerState.IDLE]: 'idle',
  [ToolServerState.CONNECTING]: 'connecting',
  [ToolServerState.READY]: 'ready',
  [ToolServerState.DEGRADED]: 'degraded',
  [ToolServerState.OPEN]: 'open',
  [ToolServerState.QUARANTINED]: 'quarantined',
  [ToolServerState.FAILED]: 'failed',
  [ToolServerState.CLOSED]: 'closed',
};
