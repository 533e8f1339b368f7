import type { Json, JsonObject } from '@modelhost/kernel';
import { isJsonObject, parseJsonText } from '@modelhost/kernel';

/** A call as it was played once, with its answer. Attacker's text stands in it as `{{inj:PLACE}}`. */
export interface RecordedCall {
  readonly tool: string;
  readonly arguments: JsonObject;
  readonly result: string;
  readonly isError: boolean;
  /** Without this call the attack fails; always false for a user's call. */
  readonly isCritical: boolean;
}

/** A tool of a suite as its server describes it. */
export interface RecordedTool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  /** A call of it changes the world. */
  readonly isEffect: boolean;
  /** A call of it changes nothing, but its arguments leave the house. */
  readonly isEgressRead: boolean;
}

/** What a user asks for, and the calls that fulfil it. */
export interface UserTask {
  readonly id: string;
  readonly prompt: string;
  /** Index of the first call whose answer holds text of an attacker. */
  readonly exposedAt: number;
  readonly calls: readonly RecordedCall[];
}

/** What an attacker wants, and the calls of a model that obeys him. */
export interface InjectionTask {
  readonly id: string;
  readonly goal: string;
  /** He only wants something said, which no call is needed for. */
  readonly isTextOnly: boolean;
  readonly calls: readonly RecordedCall[];
}

/** One world: its tools, the places that attackers can write to, and the tasks. */
export interface Suite {
  readonly name: string;
  readonly tools: readonly RecordedTool[];
  /** The harmless text of each place. */
  readonly places: Readonly<Record<string, string>>;
  readonly userTasks: readonly UserTask[];
  readonly injectionTasks: readonly InjectionTask[];
}

/** Reads the suites from the text of `agentdojo.json`. */
export function readSuites(text: string): readonly Suite[] {
  const tree = object(parseJsonText(text));
  return Object.entries(object(tree['suites'])).map(([name, suite]) =>
    readSuite(name, object(suite)),
  );
}

function readSuite(name: string, suite: JsonObject): Suite {
  const places = Object.entries(object(suite['vectors']));
  return {
    name,
    tools: objects(suite['tools']).map((tool) => ({
      name: string(tool['name']),
      description: string(tool['description']),
      inputSchema: object(tool['inputSchema']),
      isEffect: tool['effect'] === true,
      isEgressRead: tool['egressRead'] === true,
    })),
    places: Object.fromEntries(places.map(([place, value]) => [place, string(value)])),
    userTasks: objects(suite['userTasks']).map((task) => ({
      id: string(task['id']),
      prompt: string(task['prompt']),
      exposedAt: Number(task['exposedAt']),
      calls: objects(task['calls']).map(readCall),
    })),
    injectionTasks: objects(suite['injectionTasks']).map((task) => ({
      id: string(task['id']),
      goal: string(task['goal']),
      isTextOnly: task['textOnly'] === true,
      calls: objects(task['calls']).map(readCall),
    })),
  };
}

function readCall(call: JsonObject): RecordedCall {
  return {
    tool: string(call['tool']),
    arguments: object(call['args']),
    result: string(call['result']),
    isError: call['error'] !== null && call['error'] !== undefined,
    isCritical: call['critical'] === true,
  };
}

function object(value: Json | undefined): JsonObject {
  if (!isJsonObject(value)) throw new Error('the data has something else where an object belongs');
  return value;
}

function objects(value: Json | undefined): readonly JsonObject[] {
  if (!Array.isArray(value)) throw new Error('the data has something else where a list belongs');
  return value.map((item: Json) => object(item));
}

function string(value: Json | undefined): string {
  if (typeof value !== 'string') throw new Error('the data has something else where text belongs');
  return value;
}
