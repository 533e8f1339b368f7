/** What a tool or prompt of the fixture is written against, whatever era and transport it is served over. */
import type {
  CallToolResult,
  ClientCapabilities,
  GetPromptResult,
  InputRequest,
  InputRequiredResult,
  Prompt,
  Tool,
} from '@modelcontextprotocol/server';
import type { World } from './world.ts';

/** One call in one round. */
export interface Call {
  readonly arguments: Readonly<Record<string, unknown>>;
  /** Answers to what an earlier round asked for, by key. They are the client's own words. */
  readonly answers: Readonly<Record<string, unknown>> | undefined;
  /** What an earlier round sealed, after its seal was checked. */
  readonly state: unknown;
  readonly capabilities: ClientCapabilities;
  readonly signal: AbortSignal;
  readonly world: World;
  /** Does nothing for a caller who sent no progress token. */
  readonly progress: (progress: number, total: number) => Promise<void>;
  readonly log: (text: string) => Promise<void>;
  /** Ends the stream of the answer before the answer, where the transport can take it up again. */
  readonly dropStream: () => void;
  readonly seal: (payload: unknown) => Promise<string>;
}

/** A tool: how it is listed, and what it does. */
export interface FixtureTool {
  readonly definition: Tool;
  readonly run: (call: Call) => ToolOutcome | Promise<ToolOutcome>;
}

/** What a tool answers, or what it asks first. */
export type ToolOutcome = CallToolResult | InputRequiredResult;

/** A prompt: how it is listed, and what it says. */
export interface FixturePrompt {
  readonly definition: Prompt;
  readonly run: (call: Call) => GetPromptResult | InputRequiredResult;
}

/** A tool without arguments. */
export function plainTool(
  name: string,
  description: string,
  run: FixtureTool['run'],
  more: Partial<Tool> = {},
): FixtureTool {
  return {
    definition: { name, description, inputSchema: { type: 'object', properties: {} }, ...more },
    run,
  };
}

/** A result of one text. */
export function textResult(text: string): CallToolResult {
  return { content: [{ type: 'text', text }] };
}

/** Asks the client. `requestState` comes back with the answers. */
export function ask(
  inputRequests: Readonly<Record<string, InputRequest>>,
  requestState?: string,
): InputRequiredResult {
  return {
    resultType: 'input_required',
    inputRequests,
    ...(requestState === undefined ? {} : { requestState }),
  };
}

/** A question to the user with a form. */
export function elicit(
  message: string,
  properties: Readonly<Record<string, object>>,
  required: readonly string[] = Object.keys(properties),
): InputRequest {
  const requestedSchema = { type: 'object', properties, required: [...required] };
  // The schema is written by hand in this folder, in the shape that elicitation allows.
  return {
    method: 'elicitation/create',
    params: { mode: 'form', message, requestedSchema },
  } as InputRequest;
}

/** A question to the client's model. */
export function sample(text: string, maxTokens: number): InputRequest {
  return {
    method: 'sampling/createMessage',
    params: { messages: [{ role: 'user', content: { type: 'text', text } }], maxTokens },
  };
}

/** The question for the client's roots. */
export const askRoots: InputRequest = { method: 'roots/list', params: {} };
