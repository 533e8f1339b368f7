import type {
  JsonObject,
  PolicyAction,
  PolicyResource,
  Principal,
  ToolDefinition,
} from '@modelhost/kernel';
import { aCount, aFlag, aMap, aText, oneOf, take, takeSection, texts } from './section.ts';
import { refuseOthers } from './section.ts';
import type { Section } from './section.ts';

const toolActions: readonly PolicyAction[] = ['ListTool', 'CallTool', 'AcceptToolResult'];
const bytesUsual = 100;

/** What the action is about. */
export function readResource(
  given: Section,
  about: {
    readonly action: PolicyAction;
    readonly tool: ToolDefinition | undefined;
    readonly arguments: JsonObject;
    readonly agent: string;
    readonly principal: Principal;
  },
): PolicyResource {
  const { action, tool = noTool, agent, principal } = about;
  const bytes = take(given, 'bytes', aCount, bytesUsual);
  switch (action) {
    case 'AcceptInput':
      return { type: 'agent', id: agent, inputBytes: bytes };
    case 'UseModel':
      return readModel(given);
    case 'ListTool':
      return { type: 'tool', tool, arguments: {} };
    case 'CallTool':
      return { type: 'tool', tool, arguments: about.arguments };
    case 'AcceptToolResult':
      return { type: 'tool-result', tool, bytes };
    case 'EmitOutput':
      return { type: 'output' };
    case 'ReadMemory':
    case 'WriteMemory':
    case 'ForgetMemory': {
      const section = takeSection(given, 'memory', ['namespace', 'owner']);
      const namespace = take(section, 'namespace', aText, 'default');
      return {
        type: 'memory',
        namespace,
        owner: take(section, 'owner', aText, principal.subject),
        bytes,
      };
    }
  }
}

function readModel(given: Section): PolicyResource {
  const usual = { provider: 'provider', inputTokens: 100, maxOutputTokens: 1_000 };
  const id = given.value['model'];
  if (aText.is(id)) return { type: 'model', id, ...usual };
  const section = takeSection(given, 'model', ['id', ...Object.keys(usual)]);
  return {
    type: 'model',
    id: take(section, 'id', aText, 'model'),
    provider: take(section, 'provider', aText, usual.provider),
    inputTokens: take(section, 'inputTokens', aCount, usual.inputTokens),
    maxOutputTokens: take(section, 'maxOutputTokens', aCount, usual.maxOutputTokens),
  };
}

/** The tool that is named, or the one that is written out in the test; undefined for an action of no tool. */
export function toolOf(
  given: Section,
  action: PolicyAction,
  tools: readonly ToolDefinition[],
): ToolDefinition | undefined {
  const { value, path, problems } = given;
  if (!toolActions.includes(action)) return undefined;
  const named = value['tool'];
  if (aMap.is(named)) return readTool({ value: named, path: [...path, 'tool'], problems });
  const found = tools.find(({ name }) => name === named);
  if (found !== undefined) return found;
  const message = aText.is(named)
    ? `there is no tool ${named} in tools.json; add it there, or write name, effect and inputSchema here`
    : 'must be the name of a tool in tools.json, or a map with its definition';
  problems.push({ path: [...path, 'tool'], message });
  return undefined;
}

const confidentiality = oneOf('public', 'internal', 'confidential', 'secret');
const toolKeys = [
  'name',
  'description',
  'inputSchema',
  'effect',
  'integrity',
  'decisionArguments',
  'egress',
  'confidentiality',
  'clearance',
  'summedArguments',
  'references',
  'server',
  'serverTool',
  'executor',
];

/** A tool as somebody wrote it; what is left out is as the host takes it for a tool that nothing is declared of. */
export function readTool(section: Section): ToolDefinition {
  refuseOthers(section, toolKeys);
  const name = take(section, 'name', aText, '');
  if (name === '') section.problems.push({ path: section.path, message: 'the tool has no name' });
  const [server = name, ...rest] = name.split('__');
  const optional = {
    egress: take(section, 'egress', aFlag, undefined),
    confidentiality: take(section, 'confidentiality', confidentiality, undefined),
    clearance: take(section, 'clearance', confidentiality, undefined),
    summedArguments: take(section, 'summedArguments', texts, undefined),
    references: readReferences(section),
  };
  return {
    name,
    description: take(section, 'description', { ...aText, is: isAnyText }, ''),
    // A schema of YAML without tags is JSON.
    inputSchema: take(section, 'inputSchema', aMap, { type: 'object' }) as JsonObject,
    effect: take(
      section,
      'effect',
      oneOf('none', 'idempotent', 'reversible', 'irreversible'),
      'irreversible',
    ),
    integrity: take(section, 'integrity', oneOf('trusted', 'untrusted'), 'untrusted'),
    decisionArguments: take(section, 'decisionArguments', texts, []),
    server: take(section, 'server', aText, rest.length === 0 ? 'client' : server),
    serverTool: take(section, 'serverTool', aText, rest.length === 0 ? name : rest.join('__')),
    executor: take(section, 'executor', oneOf('host', 'client'), 'host'),
    ...withoutUndefined(optional),
  };
}

/** By argument; policy sees what the host found by them, not these. */
function readReferences(section: Section): ToolDefinition['references'] | undefined {
  const written = take(section, 'references', aMap, undefined);
  if (written === undefined) return undefined;
  const above = { ...section, value: written, path: [...section.path, 'references'] };
  const read = Object.keys(written).map((argument) => {
    const reference = takeSection(above, argument, ['field', 'namedBy']);
    const namedBy = take(reference, 'namedBy', aText, undefined);
    const field = take(reference, 'field', aText, '*');
    return [argument, namedBy === undefined ? { field } : { field, namedBy }] as const;
  });
  return Object.fromEntries(read);
}

const isAnyText = (value: unknown): value is string => typeof value === 'string';

function withoutUndefined<Value extends object>(value: Value): DefinedPart<Value> {
  const kept = Object.entries(value).filter(([, member]) => member !== undefined);
  // What is left has its type, without undefined.
  return Object.fromEntries(kept) as DefinedPart<Value>;
}
type DefinedPart<Value> = { [Key in keyof Value]?: Exclude<Value[Key], undefined> };

const noTool: ToolDefinition = {
  name: '',
  description: '',
  inputSchema: { type: 'object' },
  effect: 'irreversible',
  integrity: 'untrusted',
  decisionArguments: [],
  server: '',
  serverTool: '',
  executor: 'host',
};
