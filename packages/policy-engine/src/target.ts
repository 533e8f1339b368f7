import type { CedarValueJson, EntityJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import type {
  Confidentiality,
  PolicyAction,
  PolicyRequest,
  PolicyResource,
  ToolDefinition,
} from '@modelhost/kernel';
import { reservedActions } from './actions.ts';
import type { PlainAction } from './actions.ts';
import { refusedKeys } from './argument-types.ts';
import type { RecordType } from './argument-types.ts';
import { encodeArguments } from './argument-values.ts';
import { levelOf } from './context-facts.ts';
import type { Context } from './context-facts.ts';
import { uid } from './entity-uid.ts';
import type { SchemaSubject } from './schema.ts';
import { areTexts, noText } from './texts.ts';

/** What a request is about, in Cedar's terms. */
export interface Target {
  readonly type: 'target';
  readonly subject: SchemaSubject;
  readonly resource: TypeAndId;
  readonly resourceParents: readonly TypeAndId[];
  readonly entity: EntityJson;
  readonly context: Context;
  readonly hiddenArguments: ReadonlySet<string>;
}

/** The target, or why there is none. The problem never quotes a value. */
export type TargetReading = Target | { readonly type: 'refused'; readonly problem: string };

/** Reads what the request is about. `typeOf` says what policy sees of a tool's arguments. */
export function readTarget(
  { action, resource, principal }: PolicyRequest,
  typeOf: (tool: ToolDefinition) => RecordType,
): TargetReading {
  switch (resource.type) {
    case 'tool':
      if (action === 'CallTool') return callTarget(resource, typeOf(resource.tool));
      return action === 'ListTool' ? toolTarget(action, resource.tool, {}) : mismatch;
    case 'tool-result': {
      const { bytes, tool } = resource;
      if (action !== 'AcceptToolResult') return mismatch;
      return Number.isSafeInteger(bytes) ? toolTarget(action, tool, { bytes }) : inexact;
    }
    case 'model':
      return action === 'UseModel' ? modelTarget(resource) : mismatch;
    case 'agent':
      return action === 'AcceptInput' ? agentTarget(resource, principal.tenant) : mismatch;
    case 'output': {
      if (action !== 'EmitOutput') return mismatch;
      return plainTarget(action, { resource: uid('Channel', 'output'), attrs: {}, context: {} });
    }
    case 'memory':
      return memoryTarget(action, resource, principal.tenant);
  }
}

const mismatch = refused('the action does not go with the resource');
const inexact = refused('a number is no exact whole number');

type ResourceOf<Name extends PolicyResource['type']> = Extract<
  PolicyResource,
  { readonly type: Name }
>;

function callTarget(
  { tool, arguments: values }: ResourceOf<'tool'>,
  type: RecordType,
): TargetReading {
  // A client's tool keeps the name its caller gave it, which could be one of ours.
  if (reservedActions.has(tool.name)) {
    return refused('the tool has the name of an action of the host');
  }
  const sums = tool.summedArguments ?? [];
  if (sums.some((name) => refusedKeys.has(name))) {
    return refused('a summed argument of the tool has a reserved name');
  }
  const encoded = encodeArguments(values, type);
  if (encoded.type === 'refused') return encoded;
  const entity = readTool(tool);
  if (entity === undefined) return unusableTool;
  return {
    type: 'target',
    subject: { type: 'tool', action: tool.name, arguments: type, sums },
    ...entity,
    context: { arguments: encoded.value },
    hiddenArguments: encoded.hidden,
  };
}

function toolTarget(
  action: 'ListTool' | 'AcceptToolResult',
  tool: ToolDefinition,
  context: Context,
): TargetReading {
  const entity = readTool(tool);
  if (entity === undefined) return unusableTool;
  const subject = { type: 'plain', action } as const;
  return { type: 'target', subject, ...entity, context, hiddenArguments: new Set() };
}

const unusableTool = refused('the tool has something else where a text, a yes or a level belongs');

type ToolEntity = Pick<Target, 'resource' | 'resourceParents' | 'entity'>;

/** The tool as rules see it: what its operator does not say is taken to be ordinary. */
function readTool(tool: ToolDefinition): ToolEntity | undefined {
  const usual: Confidentiality = 'internal';
  const confidentiality = levelOf(tool.confidentiality ?? usual);
  const clearance = levelOf(tool.clearance ?? usual);
  if (confidentiality === undefined || clearance === undefined) return undefined;
  const { name, effect, integrity, egress = true } = tool;
  if (!areTexts([name, tool.server, effect, integrity]) || typeof egress !== 'boolean') {
    return undefined;
  }
  const server = uid('ToolServer', tool.server);
  const resource = uid('Tool', name);
  const attrs = {
    name,
    server: tool.server,
    effect,
    integrity,
    egress,
    clearance,
    confidentiality,
  };
  return {
    resource,
    resourceParents: [server],
    entity: { uid: resource, attrs, parents: [server] },
  };
}

function modelTarget(model: ResourceOf<'model'>): TargetReading {
  const { id, provider, inputTokens, maxOutputTokens } = model;
  if (![inputTokens, maxOutputTokens].every(Number.isSafeInteger)) return inexact;
  if (!areTexts([provider])) return refused(noText);
  const context = { inputTokens, maxOutputTokens };
  return plainTarget('UseModel', { resource: uid('Model', id), attrs: { provider }, context });
}

function agentTarget({ id, inputBytes }: ResourceOf<'agent'>, tenant: string): TargetReading {
  if (!Number.isSafeInteger(inputBytes)) return inexact;
  const place = inTenant(tenant);
  const context = { inputBytes };
  return plainTarget('AcceptInput', { resource: uid('Agent', id), ...place, context });
}

function memoryTarget(
  action: PolicyAction,
  { namespace, owner, bytes }: ResourceOf<'memory'>,
  tenant: string,
): TargetReading {
  if (action !== 'ReadMemory' && action !== 'WriteMemory' && action !== 'ForgetMemory') {
    return mismatch;
  }
  if (!Number.isSafeInteger(bytes)) return inexact;
  if (!areTexts([namespace, owner])) return refused(noText);
  const place = inTenant(tenant);
  const owned = owner === '' ? {} : { owner: { __entity: uid('User', `${tenant}/${owner}`) } };
  return plainTarget(action, {
    resource: uid('MemoryNamespace', `${tenant}/${namespace}`),
    attrs: { ...place.attrs, ...owned },
    parents: place.parents,
    context: { bytes },
  });
}

interface PlainTarget {
  readonly resource: TypeAndId;
  readonly attrs: Record<string, CedarValueJson>;
  readonly parents?: readonly TypeAndId[];
  readonly context: Context;
}

function plainTarget(action: PlainAction, target: PlainTarget): TargetReading {
  const { resource, attrs, parents = [], context } = target;
  if (!areTexts([resource.id])) return refused(noText);
  return {
    type: 'target',
    subject: { type: 'plain', action },
    resource,
    resourceParents: parents,
    entity: { uid: resource, attrs, parents: [...parents] },
    context,
    hiddenArguments: new Set(),
  };
}

function inTenant(name: string): Pick<PlainTarget, 'attrs'> & { readonly parents: TypeAndId[] } {
  const tenant = uid('Tenant', name);
  return { attrs: { tenant: { __entity: tenant } }, parents: [tenant] };
}

function refused(problem: string): { readonly type: 'refused'; readonly problem: string } {
  return { type: 'refused', problem };
}
