import { parseJsonText } from '@modelhost/kernel';
import { create } from '@bufbuild/protobuf';
import {
  CallToolResponseSchema,
  GetToolResponseSchema,
  ListToolServersResponseSchema,
  ListToolsResponseSchema,
  ToolServerState,
} from '@modelhost/contracts';
import type { GetToolResponse, Tool, ToolServer } from '@modelhost/contracts';
import { withClient } from '../connection.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { exitCodes } from '../failure.ts';
import { confidentialityNames } from '../text/obligations-text.ts';
import { toJsonText, toTable } from '../text/output.ts';
import type { JsonFlag } from '../text/output.ts';
import type { Paint } from '../text/paint.ts';
import { toLine, toPrintable } from '../text/printable.ts';
import { formatDuration } from '../text/quantities.ts';
import { renderPin } from '../text/tool-pins.ts';
import { toolEffectNames, toolIntegrityNames } from '../text/tool-words.ts';

type Flags = ConnectionFlags & JsonFlag;

/** The tools that may be called now. */
export async function listTools(context: CliContext, flags: Flags): Promise<void> {
  await withClient(context, flags, async (client) => {
    const answer = await client.listTools();
    if (flags.json === true) {
      return context.print(`${toJsonText(ListToolsResponseSchema, answer, 2)}\n`);
    }
    const tools = answer.tools.map(({ name, effect, description }) => [
      toLine(name, 64),
      toolEffectNames[effect] ?? 'unknown',
      toLine(description, 80),
    ]);
    context.print(toTable(['TOOL', 'EFFECT', 'DESCRIPTION'], tools));
    sayHeldBack(context, answer.servers);
  });
}

/** How each tool server is doing. */
export async function showServers(context: CliContext, flags: Flags): Promise<void> {
  await withClient(context, flags, async (client) => {
    const servers = [...(await client.listToolServers())];
    if (flags.json === true) {
      const answer = create(ListToolServersResponseSchema, { servers });
      return context.print(`${toJsonText(ListToolServersResponseSchema, answer, 2)}\n`);
    }
    const rows = servers.map(({ alias, state, toolCount, quarantinedCount, error }) => [
      alias,
      serverStateNames[state] ?? 'unknown',
      String(toolCount),
      String(quarantinedCount),
      toLine(error, 120),
    ]);
    context.print(toTable(['SERVER', 'STATE', 'TOOLS', 'HELD BACK', 'ERROR'], rows));
    sayHeldBack(context, servers);
  });
}

function sayHeldBack({ say }: CliContext, servers: readonly ToolServer[]): void {
  const count = servers.reduce((sum, { quarantinedCount }) => sum + quarantinedCount, 0);
  if (count === 0) return;
  const what = count === 1 ? '1 tool is' : `${count} tools are`;
  say(`${what} held back; \`model-host tools pins --pending\` shows why`);
}

/** Everything that is known of one tool. */
export async function showTool(context: CliContext, flags: Flags, name: string): Promise<void> {
  await withClient(context, flags, async (client) => {
    const answer = await client.getTool(name);
    context.print(
      flags.json === true
        ? `${toJsonText(GetToolResponseSchema, answer, 2)}\n`
        : describe(answer, context.paint),
    );
  });
}

function describe({ tool, outputSchemaJson, pin }: GetToolResponse, paint: Paint): string {
  return [
    ...(tool === undefined ? [] : describeTool(tool, paint)),
    ...(outputSchemaJson === '' ? [] : ['\nresult\n', renderJson(outputSchemaJson)]),
    ...(pin === undefined ? [] : ['\n', renderPin(pin, paint)]),
  ].join('');
}

function describeTool(tool: Tool, paint: Paint): readonly string[] {
  const { annotations, decisionArguments } = tool;
  const hints = [
    ...(annotations?.readOnlyHint === true ? ['read-only'] : []),
    ...(annotations?.destructiveHint === true ? ['destructive'] : []),
    ...(annotations?.idempotentHint === true ? ['idempotent'] : []),
    ...(annotations?.openWorldHint === true ? ['open world'] : []),
  ];
  return [
    `${paint.bold(toLine(tool.name, 64))}\n`,
    `server   ${toLine(tool.server, 64)} (${toLine(tool.serverTool, 128)})\n`,
    `effect   ${toolEffectNames[tool.effect] ?? 'unknown'}\n`,
    `answers  ${toolIntegrityNames[tool.integrity] ?? 'unknown'}\n`,
    ...(decisionArguments.length === 0
      ? []
      : [`decides  by ${toLine(decisionArguments.join(', '), 200)}\n`]),
    `data     ${describeData(tool)}\n`,
    ...(tool.summedArguments.length === 0
      ? []
      : [`summed   ${toLine(tool.summedArguments.join(', '), 200)}\n`]),
    ...(hints.length === 0
      ? []
      : [`claims   ${hints.join(', ')} ${paint.dim('(not relied on)')}\n`]),
    `\n${toPrintable(tool.description)}\n`,
    '\narguments\n',
    renderJson(tool.inputSchemaJson),
  ];
}

/** Where its data comes from and may go, as the operator declares it. */
function describeData({ egress, confidentiality, clearance }: Tool): string {
  const level = (number: number): string => confidentialityNames[number] ?? 'unknown';
  const out = egress ? 'its arguments may leave the house' : 'nothing leaves the house';
  return `answers are ${level(confidentiality)}, arguments at most ${level(clearance)}; ${out}`;
}

/** Calls a tool once and shows what a model would see. */
export async function callTool(
  context: CliContext,
  flags: Flags,
  name: string,
  argumentsJson?: string,
): Promise<void> {
  await withClient(context, flags, async (client) => {
    const answer = await client.callTool(name, argumentsJson);
    const { callId, content, isError, truncated, duration } = answer;
    if (flags.json === true) {
      context.print(`${toJsonText(CallToolResponseSchema, answer, 2)}\n`);
    } else {
      context.print(`${toPrintable(content)}\n`);
      const took = duration === undefined ? '' : ` in ${formatDuration(duration)}`;
      const cut = truncated ? ', cut at the cap' : '';
      context.say(
        `${isError ? 'the tool says that it failed' : 'called'}${took}${cut} (${callId})`,
      );
    }
    if (isError) context.exitWith(exitCodes.failure);
  });
}

/** A schema for people, as it stands where it is no JSON. */
function renderJson(text: string): string {
  try {
    return `${toPrintable(JSON.stringify(parseJsonText(text), undefined, 2))}\n`;
  } catch {
    return `${toPrintable(text)}\n`;
  }
}

// A newer host may send values that are not in this table.
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
