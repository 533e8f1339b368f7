import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import type { ParamHeader } from './core-types.ts';

const declarationsMax = 64;
const depthMax = 8;
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
const types: ReadonlySet<Json | undefined> = new Set(['string', 'integer', 'number', 'boolean']);

/** The properties of a tool's arguments that are declared with `x-mcp-header`. What is declared wrongly is left out. */
export function readParamHeaders(inputSchema: Json | undefined): readonly ParamHeader[] {
  const found: ParamHeader[] = [];
  if (isJsonObject(inputSchema)) collect(inputSchema, [], found);
  return found;
}

function collect(schema: JsonObject, path: readonly string[], found: ParamHeader[]): void {
  const properties = schema['properties'];
  if (!isJsonObject(properties) || path.length >= depthMax) return;
  for (const [key, property] of Object.entries(properties)) {
    if (!isJsonObject(property) || found.length >= declarationsMax) continue;
    const { type, 'x-mcp-header': name } = property;
    const inside = [...path, key];
    if (typeof name === 'string' && token.test(name) && types.has(type)) {
      const header = `mcp-param-${name.toLowerCase()}`;
      found.push({ header, path: inside });
    }
    collect(property, inside, found);
  }
}
