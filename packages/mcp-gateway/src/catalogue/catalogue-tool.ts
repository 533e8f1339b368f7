import { HostError, isJsonObject } from '@modelhost/kernel';
import type {
  FieldViolation,
  Json,
  JsonObject,
  JsonSchemas,
  SchemaCheck,
  ToolDefinition,
} from '@modelhost/kernel';
import type { RelayTool } from '../relay.ts';
import { manifestOf } from '../server-spec.ts';
import type { ToolServerSpec } from '../server-spec.ts';
import { cleanJson } from './clean-json.ts';
import type { ListedTool } from './listed-tools.ts';

/** A tool that can be called. */
export interface CatalogueTool {
  /** For models and policy. */
  readonly definition: ToolDefinition;
  /** For façades. */
  readonly relay: RelayTool;
  /** Of the arguments. */
  readonly check: SchemaCheck;
  /** What is wrong with a result of `tools/call` by the tool's output schema; nothing when it has none, or reports an error. */
  readonly checkOutput: (result: JsonObject) => readonly FieldViolation[];
}

/**
 * The tool that a definition stands for, without what cannot be seen in it. What it does, whether it may be believed and
 * which arguments decide come from the operator alone; the server's annotations are passed on and never read. Throws
 * `HostError` with the reason for a definition that cannot be used; `log` hears of an output schema that cannot be.
 */
export function createCatalogueTool(
  spec: ToolServerSpec,
  { serverTool, name, listed: raw }: ListedTool,
  options: { readonly schemas: JsonSchemas; readonly log: (message: string) => void },
): CatalogueTool {
  const { alias } = spec;
  const listed = cleanJson(raw);
  const { description, inputSchema } = listed;
  if (!isJsonObject(inputSchema) || inputSchema['type'] !== 'object') {
    throw new HostError('mcp_protocol_error', 'its input schema is not one of an object');
  }
  const manifest = manifestOf(spec, serverTool);
  return {
    definition: {
      name,
      description: typeof description === 'string' ? description : '',
      inputSchema,
      ...manifest,
      server: alias,
      serverTool,
      executor: 'host',
    },
    relay: { alias, serverTool, name, listed, effect: manifest.effect },
    check: createArgumentCheck(inputSchema, options.schemas),
    checkOutput: createOutputCheck(spec, { name, schema: listed['outputSchema'] }, options),
  };
}

/**
 * Models and clients write null for an argument that they leave out. What the server makes of it is its own affair: the
 * arguments go out as they are.
 */
function createArgumentCheck(inputSchema: JsonObject, schemas: JsonSchemas): SchemaCheck {
  const { properties, required } = inputSchema;
  const check = schemas.compile(inputSchema);
  const needed = new Set<Json>(Array.isArray(required) ? required : []);
  const isLeftOut = (name: string, value: Json): boolean =>
    value === null &&
    !needed.has(name) &&
    isJsonObject(properties) &&
    Object.hasOwn(properties, name);

  return (value) => {
    const violations = check(value);
    if (violations.length === 0 || !isJsonObject(value)) return violations;
    const given = Object.entries(value).filter(([name, member]) => !isLeftOut(name, member));
    return given.length === Object.keys(value).length
      ? violations
      : check(Object.fromEntries(given));
  };
}

/** Where results are denied that do not fit, one that cannot be checked must not get through. */
function createOutputCheck(
  spec: ToolServerSpec,
  { name, schema }: { readonly name: string; readonly schema: Json | undefined },
  { schemas, log }: Parameters<typeof createCatalogueTool>[2],
): CatalogueTool['checkOutput'] {
  try {
    return compileOutputCheck(schema, schemas);
  } catch (cause) {
    if (spec.outputSchema === 'deny' || !(cause instanceof HostError)) throw cause;
    log(`${name}: its results are not checked: output ${cause.message}`);
    return () => [];
  }
}

/** Since 2026-07-28 the schema may be one of any JSON value. */
function compileOutputCheck(
  schema: Json | undefined,
  schemas: JsonSchemas,
): CatalogueTool['checkOutput'] {
  if (schema === undefined) return () => [];
  if (!isJsonObject(schema)) {
    throw new HostError('mcp_protocol_error', 'schema is not an object');
  }
  const check = schemas.compile(schema);
  return (result) => {
    if (result['isError'] === true) return [];
    const content = result['structuredContent'];
    if (content === undefined) return [{ field: 'structuredContent', description: 'is missing' }];
    return check(content);
  };
}
