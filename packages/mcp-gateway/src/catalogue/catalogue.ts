import { HostError, isJsonObject } from '@modelhost/kernel';
import type { JsonObject, JsonSchemas, SchemaCheck, ToolDefinition } from '@modelhost/kernel';
import { effectOf } from './server-spec.ts';
import type { ToolServerSpec } from './server-spec.ts';
import { toolNameOf } from './tool-names.ts';

/** A tool as its server lists it. */
export interface ListedTool {
  readonly name: string;
  readonly description?: string | undefined;
  readonly inputSchema: unknown;
}

/** A tool that can be called. */
export interface CatalogueTool {
  readonly definition: ToolDefinition;
  readonly check: SchemaCheck;
}

/** The tools of one server at one moment, by their name for the model, sorted by it. It never changes. */
export type Catalogue = ReadonlyMap<string, CatalogueTool>;

/** A server without tools, or one that was never reached. */
export const emptyCatalogue: Catalogue = new Map();

/**
 * The catalogue of what a server listed. A tool whose schema cannot be used, or whose name is taken, is left out and
 * told to `log`; the rest stays usable.
 */
export function createCatalogue(
  spec: ToolServerSpec,
  listed: readonly ListedTool[],
  options: {
    readonly schemas: JsonSchemas;
    readonly log: (source: 'gateway', message: string) => void;
  },
): Catalogue {
  const tools = new Map<string, CatalogueTool>();
  for (const tool of listed) {
    const name = toolNameOf(spec.alias, tool.name);
    try {
      if (tools.has(name)) throw new HostError('mcp_protocol_error', 'its name is taken');
      tools.set(name, createTool(spec, { ...tool, name }, tool.name, options.schemas));
    } catch (cause) {
      if (!(cause instanceof HostError)) throw cause;
      options.log('gateway', `${name} is left out: ${cause.message}`);
    }
  }
  return new Map([...tools].sort(byName));
}

/** All tools of all servers, in the order of their names. */
export function mergeCatalogues(catalogues: readonly Catalogue[]): readonly ToolDefinition[] {
  return catalogues
    .flatMap((catalogue) => [...catalogue])
    .sort(byName)
    .map(([, tool]) => tool.definition);
}

function createTool(
  spec: ToolServerSpec,
  tool: ListedTool,
  serverTool: string,
  schemas: JsonSchemas,
): CatalogueTool {
  const { name, description = '' } = tool;
  const inputSchema = readInputSchema(tool.inputSchema);
  const effect = effectOf(spec, serverTool);
  const { alias: server } = spec;
  return {
    definition: { name, description, inputSchema, effect, server, serverTool, executor: 'host' },
    check: schemas.compile(inputSchema),
  };
}

function readInputSchema(schema: unknown): JsonObject {
  if (isJsonObject(schema) && schema['type'] === 'object') return schema;
  throw new HostError('mcp_protocol_error', 'its input schema is not one of an object');
}

/** By UTF-16 code units, which no locale changes. */
function byName([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
