import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { Json, JsonObject } from '@modelhost/kernel';
import { parse } from 'yaml';
import { CommandError, exitCodes } from '../failure.ts';
import { readNamedFile } from '../named-files.ts';

/** What a question is made of on the command line. */
export interface QuestionFlags {
  readonly tool?: string;
  readonly arguments?: string;
  readonly model?: string;
  readonly action?: string;
  readonly resource?: string;
  readonly subject?: string;
  readonly role?: readonly string[];
  readonly agent?: string;
  readonly given?: string;
}

/** A question to policy as somebody asks it. */
export interface AskedQuestion {
  readonly action: string;
  /** Name of the tool, the model or the namespace; empty where there is none. */
  readonly resource: string;
  readonly arguments: JsonObject | undefined;
  readonly subject: string | undefined;
  readonly roles: readonly string[];
  readonly agent: string | undefined;
  /** Members that a test of a bundle has under `given`, such as labels and evidence. */
  readonly facts: JsonObject;
}

/** Puts flags and the file of facts together; what both say is refused. */
export async function readAskedQuestion(flags: QuestionFlags): Promise<AskedQuestion> {
  const facts = flags.given === undefined ? {} : await readFacts(flags.given);
  const twice = ['action', 'tool', 'model', 'arguments', 'principal', 'agent', 'delegated'].find(
    (key) => Object.hasOwn(facts, key),
  );
  if (twice !== undefined) {
    throw usage(`--given: ${twice} has a flag of its own`, 'take it out of the file');
  }
  const { tool, model, action, arguments: text } = flags;
  const asked = [tool, model].filter((name) => name !== undefined);
  if (asked.length > 1 || (asked.length === 0 && action === undefined)) {
    throw usage('ask about one of --tool, --model and --action', '--help shows examples');
  }
  return {
    action: action ?? (tool === undefined ? 'UseModel' : 'CallTool'),
    resource: tool ?? model ?? flags.resource ?? '',
    arguments: text === undefined ? undefined : readArguments(text),
    subject: flags.subject,
    roles: flags.role ?? [],
    agent: flags.agent,
    facts,
  };
}

/** The same as a test of a bundle writes it; the person is Ann unless one is named. */
export function toGiven(question: AskedQuestion, tenant: string): JsonObject {
  const { action, resource, agent, subject, roles, facts } = question;
  return {
    ...facts,
    principal: { tenant, subject: subject ?? 'ann', roles: [...roles] },
    ...(agent === undefined ? {} : { agent }),
    delegated: agent !== undefined,
    action,
    ...resourceOf(action, resource),
    ...(question.arguments === undefined ? {} : { arguments: question.arguments }),
  };
}

function resourceOf(action: string, resource: string): JsonObject {
  if (resource === '') return {};
  if (action === 'UseModel') return { model: resource };
  if (action.endsWith('Memory')) return { memory: { namespace: resource } };
  return action === 'AcceptInput' ? { agent: resource } : { tool: resource };
}

function readArguments(text: string): JsonObject {
  const value = readJson(text);
  if (isJsonObject(value)) return value;
  throw usage('--arguments: must be a JSON object', `write it such as '{"path":"a.txt"}'`);
}

function readJson(text: string): Json | undefined {
  try {
    return parseJsonText(text);
  } catch {
    return undefined;
  }
}

async function readFacts(path: string): Promise<JsonObject> {
  const text = (await readNamedFile(path)).toString();
  let value: Json | undefined;
  try {
    // YAML without tags gives what JSON gives.
    value = parse(text, { maxAliasCount: 10 }) as Json;
  } catch {
    value = undefined;
  }
  if (isJsonObject(value)) return value;
  throw usage(`${path}: must be a map in YAML or JSON`, 'write what a test has under `given`');
}

function usage(message: string, remedy: string): CommandError {
  return new CommandError(exitCodes.usage, message, remedy);
}
