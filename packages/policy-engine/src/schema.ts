import type { ActionType, EntityType, SchemaJson, Type } from '@cedar-policy/cedar-wasm/nodejs';
import { actionGroups, callToolGroup, groupsOf, plainActions, resourceTypeOf } from './actions.ts';
import type { PlainAction } from './actions.ts';
import type { ArgumentType, RecordType } from './argument-types.ts';

/** The action that a schema is made for; every other action has no request that it could be part of. */
export type SchemaSubject =
  | { readonly type: 'plain'; readonly action: PlainAction }
  | {
      readonly type: 'tool';
      readonly action: string;
      readonly arguments: RecordType;
      /** Names of the arguments of which there are sums. */
      readonly sums: readonly string[];
    };

/** The ids by which rules may speak of the action: its own and those of its groups. */
export function actionIdsOf(subject: SchemaSubject): readonly string[] {
  return subject.type === 'tool'
    ? [subject.action, callToolGroup]
    : [subject.action, ...groupsOf[subject.action]];
}

type CedarType = Type<string>;

const string: CedarType = { type: 'String' };
const long: CedarType = { type: 'Long' };
const boolean: CedarType = { type: 'Boolean' };
const strings: CedarType = { type: 'Set', element: string };
const datetime: CedarType = { type: 'Extension', name: 'datetime' };
const tenant: CedarType = { type: 'Entity', name: 'Tenant' };

const entityTypes: Record<string, EntityType<string>> = {
  Tenant: {},
  Role: {},
  User: { memberOfTypes: ['Role', 'Tenant'], shape: record({ tenant }) },
  Agent: { memberOfTypes: ['Tenant'], shape: record({ tenant }) },
  ToolServer: {},
  Tool: {
    memberOfTypes: ['ToolServer'],
    shape: record({
      name: string,
      server: string,
      effect: string,
      integrity: string,
      egress: boolean,
      clearance: long,
      confidentiality: long,
    }),
  },
  Model: { shape: record({ provider: string }) },
  Channel: {},
  MemoryNamespace: {
    memberOfTypes: ['Tenant'],
    shape: record({ tenant, owner: optional({ type: 'Entity', name: 'User' }) }),
  },
};

const baseContext: Record<string, CedarType> = {
  now: datetime,
  runId: string,
  agent: string,
  delegated: boolean,
  callDigest: string,
  counters: record({ modelCalls: long, toolCalls: long, tokens: long, costMicroUsd: long }),
  labels: record({
    untrusted: boolean,
    sources: strings,
    confidentiality: long,
    compartments: strings,
  }),
  evidence: optional(record({ origins: strings, unendorsed: strings })),
  approval: optional(record({ callDigest: string, approvers: strings, expires: datetime })),
};

const ownContext: Readonly<Record<PlainAction, Record<string, CedarType>>> = {
  AcceptInput: { inputBytes: long },
  UseModel: { inputTokens: long, maxOutputTokens: long },
  ListTool: {},
  AcceptToolResult: { bytes: long },
  EmitOutput: {},
  ReadMemory: { bytes: long },
  WriteMemory: { bytes: long },
  ForgetMemory: { bytes: long },
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
  const actions = new Map<string, ActionType<string>>();
  for (const name of actionsNamed) actions.set(name, {});
  for (const name of plainActions) actions.set(name, { memberOf: memberOf(groupsOf[name]) });
  for (const name of actionGroups) actions.set(name, {});
  actions.set(subject.action, subjectAction(subject));
  return { ModelHost: { entityTypes, actions: Object.fromEntries(actions) } };
}

function subjectAction(subject: SchemaSubject): ActionType<string> {
  // Whoever asks, a rule about the other kind of principal has to be a rule that could apply.
  const principalTypes = ['User', 'Agent'];
  switch (subject.type) {
    case 'tool':
      return {
        memberOf: memberOf([callToolGroup]),
        appliesTo: {
          principalTypes,
          resourceTypes: ['Tool'],
          context: record({
            ...baseContext,
            history: history(subject.sums),
            arguments: cedarType(subject.arguments),
          }),
        },
      };
    case 'plain':
      return {
        memberOf: memberOf(groupsOf[subject.action]),
        appliesTo: {
          principalTypes,
          resourceTypes: [resourceTypeOf[subject.action]],
          context: record({ ...baseContext, history: history([]), ...ownContext[subject.action] }),
        },
      };
  }
}

function memberOf(groups: readonly string[]): { readonly id: string }[] {
  return groups.map((id) => ({ id }));
}

function history(sums: readonly string[]): CedarType {
  const sum = record({ run: long, day: long });
  return record({
    toolsUsed: strings,
    callsOfTool: long,
    callsInFlight: long,
    callsLastHour: long,
    callsLastDay: long,
    approvals: long,
    sums: record(Object.fromEntries(sums.map((name) => [name, sum]))),
  });
}

/** The type in Cedar's own schema format. */
export function cedarType(type: ArgumentType): CedarType {
  switch (type.type) {
    case 'string':
      return string;
    case 'long':
      return long;
    case 'boolean':
      return boolean;
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
