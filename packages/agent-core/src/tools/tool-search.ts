import type { Json, JsonObject, ToolCall } from '@modelhost/kernel';
import type { ActiveRun } from '../active-run.ts';
import { callTool, describeTool, isSearchName, searchSchemas, searchTool } from './tool-offer.ts';
import type { PlannedCall } from './tool-records.ts';
import { invalidArguments, ownVerdict, readArguments, unknownTool } from './tool-verdict.ts';
import type { ToolVerdict } from './tool-verdict.ts';

const matchesDefault = 8;
/** What a search shows of a description; `describe_tool` shows all of it. */
const summaryLengthMax = 400;

/** Whether the call is answered by the loop itself, since it only looks into the catalogue. */
export function isSearchCall(run: ActiveRun, call: ToolCall): boolean {
  return run.isSearched() && isSearchName(call.name);
}

/** The real call within a `call_tool`; any other call as it is, and so is one that names no tool. */
export function unwrapCall(run: ActiveRun, call: ToolCall): ToolCall {
  if (!run.isSearched() || call.name !== callTool) return call;
  const values = readArguments(call.arguments);
  const { name, arguments: inner = {} } = values ?? {};
  if (typeof name !== 'string' || isSearchName(name)) return call;
  // Some models write the arguments as a text of JSON within the JSON.
  return { ...call, name, arguments: typeof inner === 'string' ? inner : JSON.stringify(inner) };
}

/** Answers a look into the catalogue. It touches no tool, so it needs no decision. */
export async function answerSearch(
  run: ActiveRun,
  { call, base }: PlannedCall,
): Promise<ToolVerdict> {
  const values = readArguments(call.arguments);
  const violations =
    values === undefined
      ? undefined
      : run.ports.schemas.compile(searchSchemas[call.name] ?? {})(values);
  if (values === undefined || violations === undefined || violations.length > 0) {
    return invalidArguments(call.name, violations);
  }
  switch (call.name) {
    case searchTool:
      return findTools(run, base, values);
    case describeTool:
      return showTool(run, textOf(values['name']));
  }
  // Only a call_tool that names one of the three is left.
  return unknownTool(textOf(values['name']));
}

async function findTools(run: ActiveRun, base: string, values: JsonObject): Promise<ToolVerdict> {
  const { query, limit } = values;
  const names = [...run.tools.values()].flatMap(({ executor, name }) =>
    executor === 'host' ? [name] : [],
  );
  const found = await run.context.step(`${base}/search`, async () =>
    run.ports.tools
      .searchTools(textOf(query), names, typeof limit === 'number' ? limit : matchesDefault)
      .map(({ tool }) => tool.name),
  );
  // The catalogue may have changed meanwhile: what is shown is what this run may call.
  const tools = found.flatMap((name) => run.tools.get(name) ?? []);
  return answered({
    tools: tools.map(({ name, description }) => ({
      name,
      description: description.slice(0, summaryLengthMax).toWellFormed(),
    })),
    ...(tools.length === 0 ? { note: 'No tool fits. Try other words.' } : {}),
  });
}

function showTool(run: ActiveRun, name: string): ToolVerdict {
  const tool = run.tools.get(name);
  if (tool === undefined) return unknownTool(name);
  const { description, inputSchema, effect } = tool;
  return answered({ name, description, effect, inputSchema });
}

/** The schema of the arguments has seen to it that it is a text. */
function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : '';
}

function answered(content: JsonObject): ToolVerdict {
  return ownVerdict('ok', JSON.stringify(content));
}
