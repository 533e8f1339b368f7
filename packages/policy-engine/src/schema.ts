import type { ActionType, EntityType, SchemaJson, Type } from '@cedar-policy/cedar-wasm/nodejs';
import type { ArgumentType, RecordType } from './argument-types.ts';

/** Type of every action. */
export const actionType = 'ModelHost::Action';
/** Group of all actions that call a tool. */
export const callToolGroup = 'CallTool';
/** Actions that are always there. */
export const plainActions = ['AcceptInput', 'UseModel'] as const;

/** The action that a schema is made for; every other action has no request that it could be part of. */
export type SchemaSubject =
  | { readonly type: 'plain'; readonly action: (typeof plainActions)[number] }
  | { readonly type: 'tool'; readonly action: string; readonly arguments: RecordType };

type CedarType = Type<string>;

const string: CedarType = { type: 'String' };
const long: CedarType = { type: 'Long' };
const datetime: CedarType = { type: 'Extension', name: 'datetime' };

const entityTypes: Record<string, EntityType<string>> = {
  Tenant: {},
  Role: {},
  User: {
    memberOfTypes: ['Role', 'Tenant'],
    shape: record({ tenant: { type: 'Entity', name: 'Tenant' } }),
  },
  Agent: {},
  ToolServer: {},
  Tool: {
    memberOfTypes: ['ToolServer'],
    shape: record({ name: string, server: string, effect: string }),
  },
  Model: { shape: record({ provider: string }) },
};

const baseContext: Record<string, CedarType> = {
  now: datetime,
  runId: string,
  agent: string,
  counters: record({ modelCalls: long, toolCalls: long, tokens: long, costMicroUsd: long }),
  callDigest: string,
  approval: optional(record({ callDigest: string, approver: string, expires: datetime })),
};

/**
 * Schema for requests about one action. `actionsNamed` are other actions that rules mention: they exist, so that the
 * rules are valid, but apply to nothing.
 */
export function schemaFor(
  subject: SchemaSubject,
  actionsNamed: Iterable<string>,
): SchemaJson<string> {
  // A name that JavaScript keeps for itself cannot be a key of an object literal, hence the entries.
  const actions = new Map<string, ActionType<string>>([[callToolGroup, {}]]);
  for (const name of actionsNamed) {
    if (name !== callToolGroup) actions.set(name, {});
  }
  for (const name of plainActions) actions.set(name, {});
  actions.set(subject.action, subjectAction(subject));
  return { ModelHost: { entityTypes, actions: Object.fromEntries(actions) } };
}

function subjectAction(subject: SchemaSubject): ActionType<string> {
  switch (subject.type) {
    case 'tool':
      return {
        memberOf: [{ id: callToolGroup }],
        appliesTo: {
          principalTypes: ['User'],
          resourceTypes: ['Tool'],
          context: record({ ...baseContext, arguments: cedarType(subject.arguments) }),
        },
      };
    case 'plain':
      return plainAction(subject.action);
  }
}

function plainAction(action: (typeof plainActions)[number]): ActionType<string> {
  switch (action) {
    case 'AcceptInput':
      return {
        appliesTo: {
          principalTypes: ['User'],
          resourceTypes: ['Agent'],
          context: record({ ...baseContext, inputBytes: long }),
        },
      };
    case 'UseModel':
      return {
        appliesTo: {
          principalTypes: ['User'],
          resourceTypes: ['Model'],
          context: record({ ...baseContext, inputTokens: long, maxOutputTokens: long }),
        },
      };
  }
}

/** The type in Cedar's own schema format. */
export function cedarType(type: ArgumentType): CedarType {
  switch (type.type) {
    case 'string':
      return string;
    case 'long':
      return long;
    case 'boolean':
      return { type: 'Boolean' };
    case 'decimal':
      return { type: 'Extension', name: 'decimal' };
    case 'set':
      return { type: 'Set', element: cedarType(type.element) };
    case 'record':
      return record(
        Object.fromEntries(
          [...type.members].map(([name, { value, isRequired }]) => [
            name,
            isRequired ? cedarType(value) : optional(cedarType(value)),
          ]),
        ),
      );
  }
}

function record(attributes: Record<string, CedarType>): CedarType {
  return { type: 'Record', attributes };
}

function optional(type: CedarType): CedarType & { readonly required: boolean } {
  return { ...type, required: false };
}
