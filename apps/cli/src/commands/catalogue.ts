import { create } from '@bufbuild/protobuf';
import { ListAgentsResponseSchema, ListModelsResponseSchema } from '@modelhost/contracts';
import type { Budget } from '@modelhost/contracts';
import { withClient } from '../connection.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { toJsonText, toTable } from '../text/output.ts';
import type { JsonFlag } from '../text/output.ts';
import { toLine } from '../text/printable.ts';
import { formatCost } from '../text/quantities.ts';

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

function formatBudget(budget: Budget | undefined): string {
  const { maxTokens, maxCostMicroUsd } = budget ?? {};
  return [
    ...(maxTokens === undefined ? [] : [`${maxTokens} tokens`]),
    ...(maxCostMicroUsd === undefined ? [] : [formatCost(maxCostMicroUsd)]),
  ].join(', ');
}
