import type { PolicyQuestion, PolicyService } from '@modelhost/contracts';
import { HostError } from '@modelhost/kernel';
import type {
  Clock,
  JsonObject,
  PolicyRequest,
  Principal,
  ToolDefinition,
  ToolGateway,
} from '@modelhost/kernel';
import { askAgain, digestPolicyFiles, explainApart, readQuestion } from '@modelhost/policy-engine';
import type {
  CompileOptions,
  Explanation,
  PolicyFile,
  RecordedDecision,
} from '@modelhost/policy-engine';
import type { PolicyControl } from '../policy/policy-control.ts';
import { createFieldReader, refuseIfAny } from './field-reader.ts';
import { readPolicyFiles } from './policy-files.ts';
import { toExplanationMessage } from './policy-report-message.ts';
import type { Handlers } from './service.ts';
import { readJsonObject } from './try-call.ts';

/** Does work in a thread of its own, within these bounds. Throws `overloaded` when too many wait. */
export type RunApart = <Result>(
  signal: AbortSignal,
  work: (bounds: CompileOptions) => Promise<Result>,
) => Promise<Result>;

type Explain = Handlers<typeof PolicyService>['explainDecision'];

const contextBytesMax = 256 * 1_024;
/** An explanation takes some ten decisions. */
const argumentsBytesMax = 64 * 1_024;
/** The newest decisions of the log among which one is looked for by its id. */
const lookedThroughMax = 20_000;
const pageSize = 200;

interface ExplainOptions {
  readonly control: PolicyControl;
  readonly gateway: Pick<ToolGateway, 'listTools'>;
  readonly clock: Pick<Clock, 'now'>;
}

/** Explains what is decided, was decided, or would be. */
export function createExplain(
  options: ExplainOptions,
  {
    admit,
    apart,
  }: {
    /** Throws for who may not ask. */
    readonly admit: (principal: Principal) => void;
    /** Where rules of the caller's are asked, one caller after the other. */
    readonly apart: RunApart;
  },
): Explain {
  const { control, gateway } = options;
  return async ({ about, files }, { principal, signal }) => {
    admit(principal);
    const reader = createFieldReader();
    const given = readPolicyFiles(reader, files, { min: 0 });
    refuseIfAny(reader);
    const tools = gateway.listTools(principal.tenant);
    const isWhatIf = given.length > 0;
    const request = await requestOf(options, { about, principal, tools, isWhatIf });
    const explanation = isWhatIf
      ? await apart(signal, async (bounds) => explainWith(given, { request, tools, bounds }))
      : await control.engine.explain(request);
    return toExplanationMessage(request, explanation);
  };
}

async function requestOf(
  { control, clock }: Pick<ExplainOptions, 'control' | 'clock'>,
  asked: {
    readonly about: Parameters<Explain>[0]['about'];
    readonly principal: Principal;
    readonly tools: readonly ToolDefinition[];
    /** Rules of the caller's are to be asked. */
    readonly isWhatIf: boolean;
  },
): Promise<PolicyRequest> {
  const { about, principal, tools, isWhatIf } = asked;
  switch (about.case) {
    case 'question':
      return readPolicyQuestion(about.value, { principal, tools, nowMs: clock.now() });
    case 'decisionId':
      return askable(control, await findRecorded(control, principal, about.value), isWhatIf);
    case undefined:
      break;
  }
  throw invalid('about', 'give a question or a decision_id');
}

function readPolicyQuestion(
  question: PolicyQuestion,
  known: {
    readonly principal: Principal;
    readonly tools: readonly ToolDefinition[];
    readonly nowMs: number;
  },
): PolicyRequest {
  const { subject, roles, agent, delegated, action, resource } = question;
  const { principal, tools, nowMs } = known;
  const reader = createFieldReader();
  reader.text('question.subject', subject, { min: 0, max: 128 });
  reader.text('question.agent', agent, { min: 0, max: 128 });
  reader.text('question.action', action, { min: 1, max: 64 });
  reader.text('question.resource', resource, { min: 0, max: 256 });
  reader.bytes('question.arguments_json', question.argumentsJson, argumentsBytesMax);
  reader.bytes('question.context_json', question.contextJson, contextBytesMax);
  refuseIfAny(reader);
  const given = {
    ...objectOf('question.context_json', question.contextJson),
    ...(agent === '' ? {} : { agent }),
    ...resourceOf(question, tools),
    delegated,
    action,
  };
  const asker = subject === '' ? principal : { ...principal, subject, roles };
  return readQuestion(given, {
    principal: asker,
    tools,
    nowMs,
    fieldOf: (path) => fields[String(path[0])] ?? `question.context_json: ${path.join('.')}`,
  });
}

/** Where our own names stand in a question of the contract. */
const fields: Readonly<Record<string, string>> = {
  action: 'question.action',
  agent: 'question.agent',
  arguments: 'question.arguments_json',
  tool: 'question.resource',
  model: 'question.resource',
  memory: 'question.resource',
};

const toolActions = ['ListTool', 'CallTool', 'AcceptToolResult'];
const memoryActions = ['ReadMemory', 'WriteMemory', 'ForgetMemory'];

function resourceOf(
  { action, resource, argumentsJson }: PolicyQuestion,
  tools: readonly ToolDefinition[],
): JsonObject {
  if (toolActions.includes(action)) {
    if (!tools.some(({ name }) => name === resource)) {
      throw invalid('question.resource', 'names no tool; see ListTools');
    }
    return { tool: resource, arguments: objectOf('question.arguments_json', argumentsJson) };
  }
  if (argumentsJson !== '') throw invalid('question.arguments_json', 'belongs to CallTool only');
  if (resource === '') return {};
  if (action === 'UseModel') return { model: resource };
  if (action === 'AcceptInput') return { agent: resource };
  if (memoryActions.includes(action)) return { memory: { namespace: resource } };
  throw invalid('question.resource', `does not go with ${action}`);
}

function objectOf(field: string, text: string): JsonObject {
  const value = readJsonObject(text);
  if (value === undefined) throw invalid(field, 'must be the text of a JSON object');
  return value;
}

/** The decision with this id among the newest; ids are no places in the log, so it is looked for. */
async function findRecorded(
  { log }: PolicyControl,
  { tenant }: Principal,
  decisionId: string,
): Promise<RecordedDecision> {
  let pageToken: string | undefined;
  for (let seen = 0; seen < lookedThroughMax; seen += pageSize) {
    const page = await log.page({ tenant, pageSize, pageToken });
    const found = page.decisions.find(({ id }) => id === decisionId);
    if (found !== undefined) return found;
    pageToken = page.nextPageToken;
    if (pageToken === undefined) break;
  }
  throw new HostError('not_found', 'there is no such decision among the newest of the log');
}

/** The request of a decision, where nothing that is not kept of it could change what is explained. */
function askable(
  { engine }: PolicyControl,
  recorded: RecordedDecision,
  isWhatIf: boolean,
): PolicyRequest {
  if (isWhatIf && recorded.masked.length > 0) {
    throw notKept('values of this decision are not kept, so no other rules can be asked about it');
  }
  const asked = askAgain(recorded, engine);
  if (asked.type === 'askable') return asked.request;
  throw notKept(
    `values of this decision are not kept, so it cannot be explained any more (${asked.rules.join(', ')})`,
  );
}

function notKept(message: string): HostError {
  return new HostError('failed_precondition', message);
}

/** What rules of the caller's alone would say. */
async function explainWith(
  files: readonly PolicyFile[],
  about: {
    readonly request: PolicyRequest;
    readonly tools: readonly ToolDefinition[];
    readonly bounds: CompileOptions;
  },
): Promise<Explanation> {
  const { request, tools, bounds } = about;
  const digest = digestPolicyFiles(files);
  const source = { name: 'what-if', scope: 'platform', revision: 0, digest, files, tools } as const;
  try {
    return await explainApart(source, request, bounds);
  } catch (thrown) {
    if (!(thrown instanceof HostError) || thrown.code !== 'config_invalid') throw thrown;
    throw invalid('files', thrown.message);
  }
}

function invalid(field: string, description: string): HostError {
  return new HostError('validation_failed', `${field}: ${description}`, {
    violations: [{ field, description }],
  });
}
