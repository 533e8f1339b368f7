import { noHistory, noStatistics, plainLabels, sha256Hex } from '@modelhost/kernel';
import type {
  ApprovalFact,
  CallEvidence,
  CallHistory,
  DataLabels,
  JsonObject,
  PolicyAction,
  PolicyRequest,
  Principal,
  RunStatistics,
  ToolDefinition,
} from '@modelhost/kernel';
import { readResource, toolOf } from './given-resource.ts';
import { aCount, aFlag, aList, aMap, aMoment, aText, oneOf, texts } from './section.ts';
import { refuseOthers, take, takeNames, takeSection } from './section.ts';
import type { Section } from './section.ts';

const keys = [
  'principal',
  'agent',
  'delegated',
  'action',
  'tool',
  'arguments',
  'model',
  'memory',
  'bytes',
  'labels',
  'evidence',
  'history',
  'spent',
  'approval',
  'runId',
  'now',
];
const actions: readonly PolicyAction[] = [
  'AcceptInput',
  'UseModel',
  'ListTool',
  'CallTool',
  'AcceptToolResult',
  'EmitOutput',
  'ReadMemory',
  'WriteMemory',
  'ForgetMemory',
];
const defaultNow = '2026-01-01T12:00:00Z';
const approvalMs = 600_000;
/** Of the call of a test, and of another one. */
const callDigests = { this: sha256Hex('the call of this test'), other: sha256Hex('another call') };

/** What a test can be about without saying it. */
export interface GivenWorld {
  /** Those that it may name. */
  readonly tools: readonly ToolDefinition[];
  readonly tenant: string;
}

/**
 * Makes a whole request of what a test gives. What it leaves out: Ann of the world's tenant, without roles; the agent
 * `agent`, acting by itself wherever a run would; a CallTool for a tool, a UseModel for a model; labels of data that says
 * nothing of anybody; no evidence; nothing called or spent before, and sums of this call alone; 2026-01-01T12:00:00Z.
 */
export function readGiven(given: Section, { tools, tenant }: GivenWorld): PolicyRequest {
  refuseOthers(given, keys);
  const principal = readPrincipal(given, tenant);
  const agent = take(given, 'agent', aText, 'agent');
  const action = readAction(given);
  const tool = toolOf(given, action, tools);
  const toolArguments = readArguments(given);
  const nowMs = Date.parse(take(given, 'now', aMoment, defaultNow));
  const callDigest = action === 'CallTool' ? callDigests.this : '';
  return {
    principal,
    agent,
    isDelegated: take(given, 'delegated', aFlag, action !== 'AcceptInput'),
    action,
    resource: readResource(given, { action, tool, arguments: toolArguments, agent, principal }),
    context: {
      runId: take(given, 'runId', aText, 'run-1'),
      nowMs,
      callDigest,
      spent: readSpent(given),
      approval: readApproval(given, nowMs),
      labels: readLabels(given),
      evidence: readEvidence(given),
      history: readHistory(given, tool, toolArguments),
    },
  };
}

function readPrincipal(given: Section, tenant: string): Principal {
  const section = takeSection(given, 'principal', ['tenant', 'subject', 'roles']);
  return {
    tenant: take(section, 'tenant', aText, tenant),
    subject: take(section, 'subject', aText, 'ann'),
    roles: take(section, 'roles', texts, []),
  };
}

function readAction(given: Section): PolicyAction {
  const { value, path, problems } = given;
  const named = take(given, 'action', oneOf(...actions), undefined);
  if (named !== undefined) return named;
  if (value['tool'] !== undefined) return 'CallTool';
  if (value['model'] !== undefined) return 'UseModel';
  if (value['action'] === undefined) {
    problems.push({ path, message: 'asks for nothing; give a tool, a model or an action' });
  }
  return 'AcceptInput';
}

function readArguments(given: Section): JsonObject {
  // YAML without tags gives what JSON gives.
  return take(given, 'arguments', aMap, {}) as JsonObject;
}

/** What is left out is plain. */
function readLabels(given: Section): DataLabels {
  const section = takeSection(given, 'labels', Object.keys(plainLabels));
  return {
    integrity: take(section, 'integrity', oneOf('trusted', 'untrusted'), plainLabels.integrity),
    sources: takeNames(section, 'sources'),
    confidentiality: take(
      section,
      'confidentiality',
      oneOf('public', 'internal', 'confidential', 'secret'),
      plainLabels.confidentiality,
    ),
    compartments: takeNames(section, 'compartments'),
  };
}

const origins = oneOf('prompt', 'trusted', 'reference', 'untrusted', 'model');

/** By path: an origin, or an origin and its sources. */
function readEvidence(given: Section): CallEvidence | undefined {
  const written = take(given, 'evidence', aMap, undefined);
  if (written === undefined) return undefined;
  const section = { value: written, path: [...given.path, 'evidence'], problems: given.problems };
  const values = Object.entries(written).map(([path, value]) => {
    if (!aMap.is(value)) {
      return { path, origin: take(section, path, origins, 'model' as const), sources: [] };
    }
    const found = takeSection(section, path, ['origin', 'sources']);
    const origin = take(found, 'origin', origins, 'model' as const);
    return { path, origin, sources: take(found, 'sources', texts, []) };
  });
  return { values };
}

function readSpent(given: Section): RunStatistics {
  const section = takeSection(given, 'spent', Object.keys(noStatistics));
  const read = Object.keys(noStatistics).map((key) => [key, take(section, key, aCount, 0)]);
  return { ...noStatistics, ...Object.fromEntries(read) };
}

function readHistory(
  given: Section,
  tool: ToolDefinition | undefined,
  toolArguments: JsonObject,
): CallHistory {
  const section = takeSection(given, 'history', Object.keys(noHistory));
  const count = (key: keyof CallHistory): number => take(section, key, aCount, 0);
  return {
    toolsUsed: takeNames(section, 'toolsUsed'),
    callsOfTool: count('callsOfTool'),
    callsInFlight: count('callsInFlight'),
    callsLastHour: count('callsLastHour'),
    callsLastDay: count('callsLastDay'),
    approvals: count('approvals'),
    sums: { ...ownSums(tool, toolArguments), ...readSums(section) },
  };
}

/** Those of the call at hand, as if it were the first. */
function ownSums(tool: ToolDefinition | undefined, toolArguments: JsonObject): CallHistory['sums'] {
  const sums = (tool?.summedArguments ?? []).flatMap((name) => {
    const value = toolArguments[name];
    return typeof value === 'number' ? [[name, { run: value, day: value }] as const] : [];
  });
  return Object.fromEntries(sums);
}

function readSums(history: Section): CallHistory['sums'] {
  const value = take(history, 'sums', aMap, {});
  const section = { value, path: [...history.path, 'sums'], problems: history.problems };
  const sums = Object.keys(value).map((name) => {
    const sum = takeSection(section, name, ['run', 'day']);
    const run = take(sum, 'run', aCount, 0);
    return [name, { run, day: take(sum, 'day', aCount, run) }] as const;
  });
  return Object.fromEntries(sums);
}

/** Given for ten minutes and for this very call, unless the test says otherwise. */
function readApproval(given: Section, nowMs: number): ApprovalFact | undefined {
  if (given.value['approval'] === undefined) return undefined;
  const section = takeSection(given, 'approval', ['votes', 'call', 'expires']);
  const votes = take(section, 'votes', aList, []).map((_vote, index) => {
    const list = { ...section, path: [...section.path, 'votes'] };
    const vote = voteAt(list, section.value['votes'], index);
    return {
      subject: take(vote, 'subject', aText, 'bob'),
      roles: take(vote, 'roles', texts, []),
    };
  });
  const expires = take(section, 'expires', aMoment, undefined);
  return {
    callDigest: callDigests[take(section, 'call', oneOf('this', 'other'), 'this' as const)],
    votes,
    expiresAtMs: expires === undefined ? nowMs + approvalMs : Date.parse(expires),
  };
}

function voteAt({ path, problems }: Section, votes: unknown, index: number): Section {
  const value: unknown = Array.isArray(votes) ? votes[index] : undefined;
  const place = [...path, index];
  if (!aMap.is(value))
    problems.push({ path: place, message: 'must be a map of subject and roles' });
  const section = { value: aMap.is(value) ? value : {}, path: place, problems };
  refuseOthers(section, ['subject', 'roles']);
  return section;
}
