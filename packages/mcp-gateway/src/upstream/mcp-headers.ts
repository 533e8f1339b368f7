import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { nameMembers, toHeaderValue, valueAt } from '../mirrored-headers.ts';

/** An argument that a tool wants to see in a header, by the `x-mcp-header` of its schema. */
export interface ParamHeader {
  readonly path: readonly string[];
  readonly header: string;
}

/** What the schema of a tool says about headers. */
type ParamHeaders =
  | { readonly isValid: true; readonly headers: readonly ParamHeader[] }
  | { readonly isValid: false; readonly reason: string };

const marker = 'x-mcp-header';
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const primitives: readonly unknown[] = ['string', 'integer', 'boolean'];
const schemaDepthMax = 64;
/** Keywords whose values are data, and those whose values are schemas by name. */
const holdsData = ['default', 'const', 'enum', 'examples', 'required'];
const holdsByName = ['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions'];

/** What is read of a tool is kept as long as the tool is. */
const known = new WeakMap<JsonObject, ParamHeaders>();

/** The headers that say in 2026-07-28 what the body of a request is about. */
export function toStandardHeaders(
  version: string,
  method: string,
  params: JsonObject,
): Record<string, string> {
  const headers = { 'mcp-protocol-version': version, 'mcp-method': method };
  const member = nameMembers.get(method);
  const name = member === undefined ? undefined : params[member];
  return typeof name === 'string' ? { ...headers, 'mcp-name': toHeaderValue(name) } : headers;
}

/** The headers for the arguments that the tool wants to see there; absent and null ones have none. */
export function toParamHeaders(
  tool: JsonObject | undefined,
  values: Json | undefined,
): Readonly<Record<string, string>> {
  if (tool === undefined) return {};
  const read = readParamHeaders(tool);
  if (!read.isValid || read.headers.length === 0) return {};
  const headers: Record<string, string> = {};
  for (const { path, header } of read.headers) {
    const text = toText(valueAt(values, path));
    if (text !== undefined) headers[`mcp-param-${header.toLowerCase()}`] = toHeaderValue(text);
  }
  return headers;
}

/** The arguments that the tool wants to see in headers; none when its schema asks for headers that cannot be. */
export function paramHeadersOf(tool: JsonObject): readonly ParamHeader[] {
  const read = readParamHeaders(tool);
  return read.isValid ? read.headers : [];
}

/** Why the tool cannot be called over HTTP: its schema asks for headers that cannot be. Undefined for most tools. */
export function findHeaderFault(tool: JsonObject): string | undefined {
  const read = readParamHeaders(tool);
  return read.isValid ? undefined : read.reason;
}

function readParamHeaders(tool: JsonObject): ParamHeaders {
  const before = known.get(tool);
  if (before !== undefined) return before;
  const read = scan(tool['inputSchema'] ?? {});
  known.set(tool, read);
  return read;
}

function scan(schema: Json): ParamHeaders {
  const headers: ParamHeader[] = [];
  const reason = visit(schema, [], headers);
  return reason === undefined ? { isValid: true, headers } : { isValid: false, reason };
}

/**
 * Collects the markers of a schema; returns the first fault. A marker is valid at a property that a chain of
 * `properties` leads to, and nowhere else: elsewhere `path` is undefined.
 */
function visit(
  schema: Json,
  path: readonly string[] | undefined,
  headers: ParamHeader[],
  depth = 0,
): string | undefined {
  if (!isJsonObject(schema)) return undefined;
  if (depth > schemaDepthMax) return `its schema is nested deeper than ${schemaDepthMax} levels`;
  const fault = marker in schema ? takeMarker(schema, path, headers) : undefined;
  if (fault !== undefined) return fault;
  for (const [keyword, value] of Object.entries(schema)) {
    for (const [name, inner] of schemasIn(keyword, value)) {
      const innerPath =
        keyword === 'properties' && path !== undefined ? [...path, name] : undefined;
      const innerFault = visit(inner, innerPath, headers, depth + 1);
      if (innerFault !== undefined) return innerFault;
    }
  }
  return undefined;
}

/** The schemas that a keyword of JSON Schema holds, each with its name if it has one. */
function schemasIn(keyword: string, value: Json): readonly (readonly [string, Json])[] {
  if (keyword === marker || holdsData.includes(keyword)) return [];
  if (Array.isArray(value)) return value.map((item: Json) => ['', item]);
  if (holdsByName.includes(keyword)) return isJsonObject(value) ? Object.entries(value) : [];
  return [['', value]];
}

function takeMarker(
  { [marker]: header, type }: JsonObject,
  path: readonly string[] | undefined,
  headers: ParamHeader[],
): string | undefined {
  if (path === undefined || path.length === 0) return `${marker} at a place that is no property`;
  const where = `${marker} of ${path.join('.')}`;
  if (typeof header !== 'string' || !token.test(header)) return `${where} is no name of a header`;
  if (!primitives.includes(type)) return `${where} is not at a string, integer or boolean`;
  const isTaken = headers.some((other) => other.header.toLowerCase() === header.toLowerCase());
  if (isTaken) return `${where} is there twice`;
  headers.push({ path, header });
  return undefined;
}

/** Numbers that JSON cannot carry exactly have no header. */
function toText(value: Json | undefined): string | undefined {
  if (typeof value === 'string') return value;
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'number' || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
    return undefined;
  }
  return String(value);
}
