import type {
  CedarValueJson,
  EntityJson,
  EntityUidJson,
  TypeAndId,
} from '@cedar-policy/cedar-wasm/nodejs';
import type {
  ApprovalFact,
  PolicyRequest,
  PolicyResource,
  ToolDefinition,
} from '@modelhost/kernel';
import type { RecordType } from './argument-types.ts';
import { encodeArguments } from './argument-values.ts';
import { questionBounds } from './bounds.ts';
import type { CedarQuestion } from './cedar-runtime.ts';
import { actionType, callToolGroup, plainActions } from './schema.ts';
import type { SchemaSubject } from './schema.ts';

/** A request in Cedar's terms, without an approval. */
export interface Question {
  readonly subject: SchemaSubject;
  readonly resource: TypeAndId;
  /** The server of a tool. */
  readonly resourceParents: readonly TypeAndId[];
  readonly cedar: CedarQuestion;
  /** Names of arguments that are there but that policy cannot see. */
  readonly hiddenArguments: ReadonlySet<string>;
}

/** The question, or why it cannot be asked. The problem never quotes a value. */
export type QuestionReading =
  | { readonly type: 'question'; readonly question: Question }
  | { readonly type: 'refused'; readonly problem: string };

type Context = Record<string, CedarValueJson>;

/** Puts a request into Cedar's terms. `typeOf` says what policy sees of a tool's arguments. */
export function readQuestion(
  request: PolicyRequest,
  typeOf: (tool: ToolDefinition) => RecordType,
): QuestionReading {
  const { principal, context } = request;
  const counters = readCounters(request);
  if (counters === undefined) return refused('a counter or the time is no exact whole number');
  if (principal.roles.length > questionBounds.roles)
    return refused('the principal has too many roles');
  const target = readTarget(request, typeOf);
  if (target.type === 'refused') return target;
  // Ids carry the tenant, so that no rule about one tenant's people or roles speaks of another's.
  if (principal.tenant.includes('/')) return refused('the name of the tenant has a slash');
  const tenant = uid('Tenant', principal.tenant);
  const inTenant = (id: string): string => `${principal.tenant}/${id}`;
  const user: EntityJson = {
    uid: uid('User', inTenant(principal.subject)),
    attrs: { tenant: { __entity: tenant } },
    parents: [tenant, ...principal.roles.map((role) => uid('Role', inTenant(role)))],
  };
  return {
    type: 'question',
    question: {
      ...target,
      cedar: {
        principal: user.uid,
        action: { type: actionType, id: target.subject.action },
        resource: target.resource,
        context: {
          now: datetime(context.nowMs),
          runId: context.runId,
          agent: request.agent,
          counters,
          callDigest: context.callDigest,
          ...target.context,
        },
        entities: [user, target.entity],
      },
    },
  };
}

/** The same question with the fact that a human approved. */
export function withApproval(question: CedarQuestion, approval: ApprovalFact): CedarQuestion {
  const { callDigest, approver, expiresAtMs } = approval;
  const fact = { callDigest, approver, expires: datetime(expiresAtMs) };
  return { ...question, context: { ...question.context, approval: fact } };
}

type ToolResource = Extract<PolicyResource, { readonly type: 'tool' }>;

interface Target {
  readonly type: 'target';
  readonly subject: SchemaSubject;
  readonly resource: TypeAndId;
  readonly resourceParents: readonly TypeAndId[];
  readonly entity: EntityJson;
  readonly context: Context;
  readonly hiddenArguments: ReadonlySet<string>;
}

type TargetReading = Target | { readonly type: 'refused'; readonly problem: string };

function readTarget(
  { action, resource }: PolicyRequest,
  typeOf: (tool: ToolDefinition) => RecordType,
): TargetReading {
  switch (resource.type) {
    case 'tool':
      return action === 'CallTool' ? toolTarget(resource, typeOf(resource.tool)) : mismatch;
    case 'model': {
      if (action !== 'UseModel') return mismatch;
      const { inputTokens, maxOutputTokens } = resource;
      if (![inputTokens, maxOutputTokens].every(Number.isSafeInteger)) return inexact;
      return plainTarget(action, {
        resource: uid('Model', resource.id),
        attrs: { provider: resource.provider },
        context: { inputTokens, maxOutputTokens },
      });
    }
    case 'agent': {
      if (action !== 'AcceptInput') return mismatch;
      const { inputBytes } = resource;
      if (!Number.isSafeInteger(inputBytes)) return inexact;
      return plainTarget(action, {
        resource: uid('Agent', resource.id),
        attrs: {},
        context: { inputBytes },
      });
    }
  }
}

const mismatch = refused('the action does not go with the resource');
const inexact = refused('a number is no exact whole number');

function toolTarget({ tool, arguments: values }: ToolResource, type: RecordType): TargetReading {
  // A client's tool keeps the name its caller gave it, which could be one of ours.
  const reserved: readonly string[] = [callToolGroup, ...plainActions];
  if (reserved.includes(tool.name))
    return refused('the tool has the name of an action of the host');
  const encoded = encodeArguments(values, type);
  if (encoded.type === 'refused') return encoded;
  const server = uid('ToolServer', tool.server);
  const resource = uid('Tool', tool.name);
  return {
    type: 'target',
    subject: { type: 'tool', action: tool.name, arguments: type },
    resource,
    resourceParents: [server],
    entity: {
      uid: resource,
      attrs: { name: tool.name, server: tool.server, effect: tool.effect },
      parents: [server],
    },
    context: { arguments: encoded.value },
    hiddenArguments: encoded.hidden,
  };
}

interface PlainTarget {
  readonly resource: TypeAndId;
  readonly attrs: Record<string, CedarValueJson>;
  readonly context: Context;
}

function plainTarget(action: (typeof plainActions)[number], target: PlainTarget): Target {
  const { resource, attrs, context } = target;
  return {
    type: 'target',
    subject: { type: 'plain', action },
    resource,
    resourceParents: [],
    entity: { uid: resource, attrs, parents: [] },
    context,
    hiddenArguments: new Set(),
  };
}

function readCounters({ context: { spent, nowMs } }: PolicyRequest): Context | undefined {
  const { modelCalls, toolCalls, costMicroUsd } = spent;
  const tokens = spent.inputTokens + spent.outputTokens;
  const isExact = [modelCalls, toolCalls, tokens, costMicroUsd, nowMs].every(Number.isSafeInteger);
  return isExact ? { modelCalls, toolCalls, tokens, costMicroUsd } : undefined;
}

function datetime(ms: number): CedarValueJson {
  return { __extn: { fn: 'datetime', arg: new Date(ms).toISOString() } };
}

function uid(type: string, id: string): TypeAndId & EntityUidJson {
  return { type: `ModelHost::${type}`, id };
}

function refused(problem: string): { readonly type: 'refused'; readonly problem: string } {
  return { type: 'refused', problem };
}
