import type { JsonObject, ModelRoute, RunInput, ToolDefinition } from '@modelhost/kernel';
import { estimateToolsTokens } from '../model/tokens.ts';

/** Share of the model's window past which tools are searched for instead of shown. */
const windowShareMax = 0.02;
/** Servers that the description of the search names; the others are counted. */
const serversNamedMax = 32;

/** Names of the tools that stand for all others. */
export const searchTool = 'search_tools';
export const describeTool = 'describe_tool';
export const callTool = 'call_tool';

/** The most tools that one search gives. */
const matchesMax = 20;

/** What the model is offered. */
export interface ToolOffer {
  readonly offered: readonly ToolDefinition[];
  readonly isSearched: boolean;
}

/**
 * Offers all tools, or three that search, describe and call them where the definitions would fill too much of the window.
 * The caller's own tools are always shown, and so is the one that the first answer must use. A tool of the caller with one
 * of the three names takes precedence: then all tools are shown.
 */
export function offerTools(
  { agent, clientTools, toolChoice }: RunInput,
  catalogue: readonly ToolDefinition[],
  { contextTokensMax }: Pick<ModelRoute, 'contextTokensMax'>,
): ToolOffer {
  const all = { offered: [...catalogue, ...clientTools], isSearched: false };
  if (catalogue.length === 0 || agent.toolSearch === 'never') return all;
  if (clientTools.some(({ name }) => isSearchName(name))) return all;
  const search = defineSearch(catalogue);
  // Searching costs the model a turn or two, so it must at least save more than its own definitions weigh.
  const tokensMax = Math.max(contextTokensMax * windowShareMax, estimateToolsTokens(search));
  if (agent.toolSearch === 'auto' && estimateToolsTokens(catalogue) <= tokensMax) return all;
  const forced = catalogue.filter(
    ({ name }) => toolChoice.type === 'tool' && toolChoice.name === name,
  );
  return { offered: [...search, ...forced, ...clientTools], isSearched: true };
}

/** Whether a name is one of the three. */
export function isSearchName(name: string): boolean {
  return name === searchTool || name === describeTool || name === callTool;
}

/** Schemas of the arguments of the three. */
export const searchSchemas: Readonly<Record<string, JsonObject>> = {
  [searchTool]: objectSchema({
    query: { type: 'string', minLength: 1, maxLength: 500, description: 'What the tool must do.' },
    limit: { type: 'integer', minimum: 1, maximum: matchesMax, description: 'Most tools to find.' },
  }),
  [describeTool]: objectSchema({
    name: {
      type: 'string',
      maxLength: 128,
      description: 'Name of the tool, as the search gave it.',
    },
  }),
  [callTool]: objectSchema({
    name: {
      type: 'string',
      maxLength: 128,
      description: 'Name of the tool, as the search gave it.',
    },
    arguments: { type: 'object', description: 'Arguments that fit the schema of the tool.' },
  }),
};

function objectSchema(properties: Readonly<Record<string, JsonObject>>): JsonObject {
  // The first says what is meant; the others may be left out.
  const required = Object.keys(properties).slice(0, 1);
  return { type: 'object', properties, required, additionalProperties: false };
}

function defineSearch(catalogue: readonly ToolDefinition[]): readonly ToolDefinition[] {
  return [
    define(
      searchTool,
      `Finds tools by what they do. There are ${catalogue.length} tools that are not listed here, of these servers: ${namesOf(catalogue)}. Search before you say that something cannot be done.`,
    ),
    define(describeTool, 'Shows the description of a tool and the JSON Schema of its arguments.'),
    define(
      callTool,
      'Calls a tool that a search found. Look at its schema with describe_tool first.',
    ),
  ];
}

function namesOf(catalogue: readonly ToolDefinition[]): string {
  const counts = new Map<string, number>();
  for (const { server } of catalogue) counts.set(server, (counts.get(server) ?? 0) + 1);
  const named = [...counts]
    .slice(0, serversNamedMax)
    .map(([server, count]) => `${server} (${count})`);
  const more = counts.size - named.length;
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function define(name: string, description: string): ToolDefinition {
  return {
    name,
    description,
    inputSchema: searchSchemas[name] ?? {},
    effect: 'none',
    integrity: 'trusted',
    decisionArguments: [],
    server: 'host',
    serverTool: name,
    executor: 'host',
  };
}
