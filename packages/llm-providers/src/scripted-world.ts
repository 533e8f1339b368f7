import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import type {
  JsonObject,
  Message,
  ModelEvent,
  ModelRequest,
  ToolDefinition,
} from '@modelhost/kernel';
import { createScriptedProvider } from './scripted.ts';

/** What a tool of the tests answers. */
export interface WorldAnswer {
  readonly content: string;
  readonly isError?: boolean;
}

/** A small world outside of the model: files and a memory, behind tools. */
export interface World {
  readonly tools: readonly ToolDefinition[];
  readonly written: Map<string, string>;
  readonly calls: { readonly tool: string; readonly arguments: JsonObject }[];
  call(tool: string, values: JsonObject): WorldAnswer;
}

/** Files by their absolute path; `refuse` says why a call is refused, or undefined. */
export function createWorld(options: {
  readonly root: string;
  readonly files: Readonly<Record<string, string>>;
  readonly refuse?: (tool: string, values: JsonObject) => string | undefined;
}): World {
  const { root, files, refuse = () => undefined } = options;
  const written = new Map<string, string>();
  const calls: World['calls'] = [];

  function call(tool: string, values: JsonObject): WorldAnswer {
    calls.push({ tool, arguments: values });
    const refusal = refuse(tool, values);
    if (refusal !== undefined) return { content: refusal, isError: true };
    const path = typeof values['path'] === 'string' ? values['path'] : '';
    switch (tool) {
      case 'files__list_allowed_directories':
        return { content: `Allowed directories:\n${root}` };
      case 'files__list_directory':
        return { content: listing(Object.keys(files), path) };
      case 'files__read_text_file':
        return files[path] === undefined
          ? { content: `ENOENT: ${path}`, isError: true }
          : { content: files[path] };
      case 'files__write_file':
        written.set(path, typeof values['content'] === 'string' ? values['content'] : '');
        return { content: `Successfully wrote to ${path}` };
      case 'memory__create_entities':
        return { content: '[]' };
      default:
        return { content: `no tool ${tool}`, isError: true };
    }
  }

  return { tools: worldTools, written, calls, call };
}

/** Plays the demo model against a world until it calls no tool, at most 30 turns; gives its last answer. */
export async function playRun(world: World, task: string): Promise<string> {
  const provider = createScriptedProvider({ name: 'demo' });
  const messages: Message[] = [{ role: 'user', content: [{ type: 'text', text: task }] }];
  for (let turn = 0; turn < 30; turn += 1) {
    const request = requestOf(messages, { tools: world.tools });
    const events = await Array.fromAsync(provider.stream(request, { signal: never() }));
    const { text, toolCalls } = collect(events);
    messages.push({ role: 'assistant', content: text, toolCalls });
    if (toolCalls.length === 0) return text;
    for (const { id, name, arguments: json } of toolCalls) {
      const values = parseJsonText(json);
      const { content, isError = false } = world.call(name, isJsonObject(values) ? values : {});
      messages.push({ role: 'tool', toolCallId: id, toolName: name, content, isError });
    }
  }
  throw new Error('the demo model does not come to an end');
}

/** A request with what most tests do not care for. */
export function requestOf(
  messages: readonly Message[],
  rest: Partial<ModelRequest> = {},
): ModelRequest {
  return {
    model: 'report',
    messages,
    tools: [],
    toolChoice: { type: 'auto' },
    sampling: {},
    maxOutputTokens: 8_000,
    answerSchema: undefined,
    idempotencyKey: 'key',
    ...rest,
  };
}

/** Text and calls of an answer. */
export function collect(events: readonly ModelEvent[]): {
  readonly text: string;
  readonly toolCalls: readonly Extract<ModelEvent, { type: 'tool-call' }>['call'][];
} {
  return {
    text: events.map((event) => (event.type === 'text-delta' ? event.text : '')).join(''),
    toolCalls: events.flatMap((event) => (event.type === 'tool-call' ? [event.call] : [])),
  };
}

/** A signal that is never aborted. */
export function never(): AbortSignal {
  return new AbortController().signal;
}

const worldTools: readonly ToolDefinition[] = [
  toolOf('files', 'list_allowed_directories', []),
  toolOf('files', 'list_directory', ['path']),
  toolOf('files', 'read_text_file', ['path']),
  toolOf('files', 'write_file', ['path', 'content']),
  toolOf('memory', 'create_entities', ['entities']),
];

function toolOf(server: string, serverTool: string, required: readonly string[]): ToolDefinition {
  const properties = Object.fromEntries(required.map((name) => [name, {}]));
  return {
    name: `${server}__${serverTool}`,
    description: '',
    inputSchema: { type: 'object', properties, required },
    effect: 'none',
    integrity: 'untrusted',
    decisionArguments: [],
    server,
    serverTool,
    executor: 'host',
  };
}

function listing(paths: readonly string[], folder: string): string {
  const inside = paths
    .filter((path) => path.startsWith(`${folder}/`))
    .map((path) => path.slice(folder.length + 1).split('/'));
  const lines = inside.map(
    ([name = '', ...rest]) => `[${rest.length === 0 ? 'FILE' : 'DIR'}] ${name}`,
  );
  return [...new Set(lines)].join('\n');
}
