import { HostError, isJsonObject } from '@modelhost/kernel';
import type { JsonObject, PolicyRequest, Principal, ToolDefinition } from '@modelhost/kernel';
import { readQuestion } from '@modelhost/policy-engine';

/** What an evaluation is read with. */
export interface EvaluationOptions {
  /** Who asks. The tenant of whom is asked about is always theirs. */
  readonly caller: Principal;
  readonly tools: readonly ToolDefinition[];
  readonly nowMs: number;
}

/** An evaluation in our terms. */
export interface Evaluation {
  readonly request: PolicyRequest;
  /** Kinds of obligations that the caller keeps; undefined when it does not say. */
  readonly supported: readonly string[] | undefined;
}

/** Whoever may ask about others, as an enforcement point does. */
const askerRoles = ['admin', 'auditor', 'enforcement-point', 'operator', 'security'];

/**
 * Reads an access evaluation request of the OpenID AuthZEN Authorization API 1.0 (section 6). Subjects are of type `user`, or `agent`
 * with `properties.onBehalfOf`; resources of type `tool`, `model`, `agent`, `memory` or `output`; actions have the names that
 * policy has. Throws `validation_failed` with the field, and `permission_denied` for who may not ask about others.
 */
export function readEvaluation(body: JsonObject, options: EvaluationOptions): Evaluation {
  const { caller, tools, nowMs } = options;
  const subject = readSubject(memberOf(body, 'subject'), caller);
  const action = textOf(memberOf(body, 'action'), 'action', 'name');
  const { supported_obligations: kinds, ...context } = optionalOf(body, 'context');
  const resource = readResource(memberOf(body, 'resource'), tools);
  checkContext(context, caller);
  const given = { ...context, ...subject.given, ...resource, action, runId };
  const request = readQuestion(given, {
    principal: subject.principal,
    tools,
    nowMs,
    fieldOf: (path) => fields[String(path[0])] ?? `context.${path.join('.')}`,
  });
  return { request, supported: kinds === undefined ? undefined : readKinds(kinds) };
}

/** Of every question that is asked here: it is part of no run of ours, and the log of decisions tells it by this. */
const runId = 'authzen';

/** Facts that the host knows of its own runs, and believes of nobody but who enforces its answers. */
const believedFacts = ['approval', 'evidence', 'history', 'labels', 'spent'];

/** What a question of AuthZEN has a place of its own for. */
const places: Readonly<Record<string, string>> = {
  action: 'action.name',
  agent: 'subject',
  arguments: 'resource.properties.arguments',
  delegated: 'subject',
  memory: 'resource',
  model: 'resource',
  tool: 'resource',
};

function checkContext(context: JsonObject, caller: Principal): void {
  if (context['runId'] !== undefined) throw invalid('context.runId', 'is known to the host');
  const stray = Object.keys(places).find((name) => context[name] !== undefined);
  if (stray !== undefined) {
    throw invalid(`context.${stray}`, `is not read here; it belongs to ${places[stray] ?? ''}`);
  }
  const fact = believedFacts.find((name) => context[name] !== undefined);
  if (fact !== undefined && !isAsker(caller)) throw notAsker(`context.${fact}`);
}

function isAsker({ roles }: Principal): boolean {
  return askerRoles.some((role) => roles.includes(role));
}

function notAsker(what: string): HostError {
  const needed = askerRoles.join(', ');
  return new HostError('permission_denied', `${what} needs one of the roles ${needed}`);
}

/** Where our own names stand in a request of AuthZEN. */
const fields: Readonly<Record<string, string>> = {
  action: 'action.name',
  agent: 'subject.id',
  arguments: 'resource.properties.arguments',
  tool: 'resource.id',
  model: 'resource.properties',
  memory: 'resource.properties',
};

interface Subject {
  readonly principal: Principal;
  readonly given: JsonObject;
}

function readSubject(subject: JsonObject, caller: Principal): Subject {
  const type = textOf(subject, 'subject', 'type');
  const id = textOf(subject, 'subject', 'id');
  const properties = optionalOf(subject, 'properties', 'subject.');
  switch (type) {
    case 'user':
      return { principal: principalOf(id, properties, caller), given: direct };
    case 'agent': {
      const of = 'subject.properties.';
      const user = memberOf(properties, 'onBehalfOf', of);
      const userId = textOf(user, `${of}onBehalfOf`, 'id');
      return {
        principal: principalOf(userId, user, caller),
        given: { agent: id, delegated: true },
      };
    }
  }
  throw invalid('subject.type', 'must be user or agent');
}

/** A user who asks by no agent of ours. */
const direct: JsonObject = { agent: 'authzen', delegated: false };

function principalOf(subject: string, { roles }: JsonObject, caller: Principal): Principal {
  if (subject === caller.subject && roles === undefined) return caller;
  if (!isAsker(caller)) throw notAsker('asking about others, or with other roles,');
  const named = roles === undefined ? [] : readTexts(roles);
  if (named === undefined) throw invalid('subject roles', 'must be a list of texts');
  return { tenant: caller.tenant, subject, roles: named };
}

function readResource(resource: JsonObject, tools: readonly ToolDefinition[]): JsonObject {
  const type = textOf(resource, 'resource', 'type');
  const id = textOf(resource, 'resource', 'id');
  const properties = optionalOf(resource, 'properties', 'resource.');
  switch (type) {
    case 'tool':
      if (!tools.some(({ name }) => name === id)) throw invalid('resource.id', 'names no tool');
      return { tool: id, arguments: properties['arguments'] ?? {} };
    case 'model':
      return { model: { ...properties, id } };
    case 'agent':
      return { agent: id };
    case 'memory':
      return { memory: { ...properties, namespace: id } };
    case 'output':
      return {};
  }
  throw invalid('resource.type', 'must be tool, model, agent, memory or output');
}

function readKinds(kinds: unknown): readonly string[] {
  const texts = readTexts(kinds);
  if (texts === undefined)
    throw invalid('context.supported_obligations', 'must be a list of texts');
  return texts;
}

function readTexts(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length > 64) return undefined;
  const texts = value.filter((item): item is string => typeof item === 'string');
  return texts.length === value.length ? texts : undefined;
}

function memberOf(object: JsonObject, name: string, above = ''): JsonObject {
  const member = object[name];
  if (isJsonObject(member)) return member;
  throw invalid(`${above}${name}`, 'is required and must be an object');
}

function optionalOf(object: JsonObject, name: string, above = ''): JsonObject {
  return object[name] === undefined ? {} : memberOf(object, name, above);
}

function textOf(object: JsonObject, above: string, name: string): string {
  const text = object[name];
  if (typeof text === 'string' && text !== '' && text.length <= 512) return text;
  throw invalid(`${above}.${name}`, 'is required: a text of at most 512 characters');
}

function invalid(field: string, description: string): HostError {
  return new HostError('validation_failed', `${field}: ${description}`, {
    violations: [{ field, description }],
  });
}
