import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import type { RpcError } from '../relay.ts';
import { invalidParams } from './rpc-errors.ts';
import type { VisibleTools } from './visible-tools.ts';

const limitDefault = 8;
const limitMax = 50;
const queryLengthMax = 1_000;
const summaryLengthMax = 240;

/** What stands for a catalogue that is too big to be listed. */
export const searchTools: readonly JsonObject[] = [
  {
    name: 'search_tools',
    title: 'Search tools',
    description:
      'Finds tools by what they do. Answers with names and summaries, the best match first. Then read a tool with describe_tool and run it with call_tool.',
    inputSchema: {
      type: 'object',
      properties: {
        query: { type: 'string', description: 'What the tool should do, in a few words.' },
        limit: { type: 'integer', minimum: 1, maximum: limitMax, default: limitDefault },
      },
      required: ['query'],
    },
    annotations: { readOnlyHint: true },
  },
  {
    name: 'describe_tool',
    title: 'Describe a tool',
    description: 'Answers with the whole definition of a tool, its arguments included.',
    inputSchema: {
      type: 'object',
      properties: { name: { type: 'string', description: 'A name that search_tools found.' } },
      required: ['name'],
    },
    annotations: { readOnlyHint: true },
  },
  {
    name: 'call_tool',
    title: 'Call a tool',
    description: 'Runs a tool that search_tools found, with arguments that fit its definition.',
    inputSchema: {
      type: 'object',
      properties: {
        name: { type: 'string', description: 'A name that search_tools found.' },
        arguments: { type: 'object', description: 'By the input schema of the tool.' },
      },
      required: ['name'],
    },
  },
];

/** What a call of one of the three tools comes to. */
export type SearchCall =
  /** To be answered from the tools that the caller sees. */
  | { readonly kind: 'look-up'; readonly answer: (tools: VisibleTools) => JsonObject }
  /** The call of another tool: it is handled as if the client had named that one. */
  | { readonly kind: 'call'; readonly name: string; readonly arguments: JsonObject }
  | { readonly kind: 'error'; readonly error: RpcError };

/** Reads a call of one of the three tools; undefined for any other name. */
export function readSearchCall(name: string, values: JsonObject): SearchCall | undefined {
  switch (name) {
    case 'search_tools':
      return { kind: 'look-up', answer: (tools) => search(values, tools) };
    case 'describe_tool':
      return { kind: 'look-up', answer: (tools) => describe(values, tools) };
    case 'call_tool':
      return unwrap(values);
  }
  return undefined;
}

function search(values: JsonObject, { find, listed }: VisibleTools): JsonObject {
  const { query, limit = limitDefault } = values;
  if (typeof query !== 'string' || query.length > queryLengthMax) {
    return failed(`arguments.query must be a text of at most ${queryLengthMax} characters`);
  }
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > limitMax) {
    return failed(`arguments.limit must be a whole number from 1 to ${limitMax}`);
  }
  const tools = find(query)
    .slice(0, limit)
    .flatMap(({ name }) => {
      const { title, description } = listed(name) ?? {};
      const summary = typeof description === 'string' ? summaryOf(description) : '';
      return [{ name, ...(typeof title === 'string' ? { title } : {}), summary }];
    });
  return answered({ tools });
}

function describe(values: JsonObject, { listed }: VisibleTools): JsonObject {
  const { name } = values;
  if (typeof name !== 'string') return failed('arguments.name must be the name of a tool');
  const tool = listed(name);
  return tool === undefined ? failed(`there is no tool ${quote(name)}`) : answered({ tool });
}

function unwrap(values: JsonObject): SearchCall {
  const { name, arguments: inner = {} } = values;
  if (typeof name !== 'string') {
    return { kind: 'error', error: invalidParams('arguments.name must be the name of a tool') };
  }
  if (!isJsonObject(inner)) {
    return { kind: 'error', error: invalidParams('arguments.arguments must be an object') };
  }
  return { kind: 'call', name, arguments: inner };
}

function answered(content: Readonly<Record<string, Json>>): JsonObject {
  const text = JSON.stringify(content);
  return { content: [{ type: 'text', text }], structuredContent: content };
}

/** The model can mend these itself, so they are results. */
function failed(text: string): JsonObject {
  return { content: [{ type: 'text', text }], isError: true };
}

function summaryOf(description: string): string {
  return description.length <= summaryLengthMax
    ? description
    : `${description.slice(0, summaryLengthMax).toWellFormed().trimEnd()}…`;
}

function quote(name: string): string {
  return JSON.stringify(name.slice(0, 128));
}
