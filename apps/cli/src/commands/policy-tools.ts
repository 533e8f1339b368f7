import type { Tool } from '@modelhost/contracts';
import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { withClient } from '../connection.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { CommandError, exitCodes } from '../failure.ts';
import { readNamedFile, writeWhole } from '../named-files.ts';
import { jsonOf } from '../policy/json-of.ts';
import { confidentialityNames } from '../text/obligations-text.ts';
import { count } from '../text/quantities.ts';
import { toolEffectNames, toolIntegrityNames } from '../text/tool-words.ts';

/** What `policy tools` is told. */
export interface ToolsFlags extends ConnectionFlags {
  readonly into?: string;
}

/** The catalogue as the `tools.json` of a project: what its rules are checked with, and its tests may name. */
export async function snapshotTools(context: CliContext, flags: ToolsFlags): Promise<void> {
  const { into } = flags;
  // Before a host is asked, which has no part in what is wrong with it.
  const known = into === undefined ? [] : await readTools(into);
  await withClient(context, flags, async (client) => {
    const tools = (await client.listTools()).tools.map(toDefinition);
    if (into === undefined) return context.print(toText(tools));
    const names = new Set(tools.map(({ name }) => name));
    const kept = known.filter(({ name }) => !names.has(name));
    await writeWhole(into, toText([...kept, ...tools]));
    context.say(`${into}: ${count(tools.length, 'tool')} of the host, ${kept.length} others kept`);
  });
}

/** A tool as `tools.json` has it; the rest is known to those who read it. */
interface ToolEntry extends JsonObject {
  readonly name: string;
}

function toText(tools: readonly ToolEntry[]): string {
  const sorted = tools.toSorted((one, other) => (one.name < other.name ? -1 : 1));
  return `${JSON.stringify(sorted, undefined, 2)}\n`;
}

async function readTools(path: string): Promise<readonly ToolEntry[]> {
  const value = jsonOf(await readNamedFile(path));
  if (Array.isArray(value) && value.every(isToolEntry)) return value;
  throw new CommandError(
    exitCodes.usage,
    `${path}: is no list of tools`,
    'name the tools.json of a project, or a new file by > instead',
  );
}

function isToolEntry(value: Json): value is ToolEntry {
  return isJsonObject(value) && typeof value['name'] === 'string';
}

function toDefinition(tool: Tool): ToolEntry {
  const { name, effect, integrity, egress, confidentiality, clearance } = tool;
  const { server, serverTool, decisionArguments, summedArguments } = tool;
  return {
    name,
    server,
    serverTool,
    effect: toolEffectNames[effect] ?? 'irreversible',
    integrity: toolIntegrityNames[integrity] ?? 'untrusted',
    decisionArguments,
    egress,
    confidentiality: confidentialityNames[confidentiality] ?? 'secret',
    clearance: confidentialityNames[clearance] ?? 'public',
    ...(summedArguments.length === 0 ? {} : { summedArguments }),
    inputSchema: parseJsonText(tool.inputSchemaJson),
  };
}
