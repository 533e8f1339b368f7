import type {
  ActionConstraint,
  PolicyJson,
  PrincipalConstraint,
  ResourceConstraint,
} from '@cedar-policy/cedar-wasm/nodejs';
import { actionGroups, actionType, groupsOf, plainActions, resourceTypeOf } from './actions.ts';
import type { ResourceType } from './actions.ts';
import type { Fail } from './annotation-values.ts';
import { uidOf } from './entity-uid.ts';

/** What the head of a rule is about. */
export interface RuleScope {
  /** Ids of actions and action groups; undefined for every action. */
  readonly actions: readonly string[] | undefined;
  readonly principal: PrincipalConstraint;
  readonly resource: ResourceConstraint;
}

/** Reads the head of a rule. One that could never apply is refused, since a forbid that never fires allows. */
export function readScope({ principal, action, resource }: PolicyJson, fail: Fail): RuleScope {
  const actions = readActions(action, fail);
  checkTypes('principal', { constraint: principal, types: principalTypes }, fail);
  const types = actions === undefined ? anyResource : joinTypes(actions.map(resourceTypesOf));
  checkTypes('resource', { constraint: resource, types }, fail);
  return { actions, principal, resource };
}

interface Types {
  /** Types that the thing itself can have. */
  readonly self: readonly string[];
  /** Types of what it can be in. */
  readonly groups: readonly string[];
}

const principalTypes: Types = { self: ['User', 'Agent'], groups: ['Role', 'Tenant'] };
const tool: Types = { self: ['Tool'], groups: ['ToolServer'] };
const resourceTypes: Readonly<Record<ResourceType, Types>> = {
  Tool: tool,
  Model: { self: ['Model'], groups: [] },
  Agent: { self: ['Agent'], groups: ['Tenant'] },
  Channel: { self: ['Channel'], groups: [] },
  MemoryNamespace: { self: ['MemoryNamespace'], groups: ['Tenant'] },
};
const anyResource: Types = joinTypes(Object.values(resourceTypes));

function resourceTypesOf(action: string): Types {
  const actions = plainActions.filter((name) => [name, ...groupsOf[name]].includes(action));
  // What is none of the host's own is a tool's, or the group of them.
  if (actions.length === 0) return tool;
  return joinTypes(actions.map((name) => resourceTypes[resourceTypeOf[name]]));
}

function joinTypes(types: readonly Types[]): Types {
  return {
    self: types.flatMap(({ self }) => self),
    groups: types.flatMap(({ groups }) => groups),
  };
}

interface TypeCheck {
  readonly constraint: PrincipalConstraint | ResourceConstraint;
  readonly types: Types;
}

function checkTypes(variable: string, { constraint, types }: TypeCheck, fail: Fail): void {
  const check = (type: string, known: readonly string[]): void => {
    const names = [...new Set(known)].map((name) => `ModelHost::${name}`);
    if (names.includes(type)) return;
    throw fail(
      `${variable} ${constraint.op} ${type} can never be true here, so the rule would never apply`,
      `with ${constraint.op}, write one of ${names.join(', ')}`,
    );
  };
  const inTypes = [...types.self, ...types.groups];
  switch (constraint.op) {
    case 'All':
      return;
    case '==':
      if ('entity' in constraint) check(uidOf(constraint.entity).type, types.self);
      return;
    case 'in':
      if ('entity' in constraint) check(uidOf(constraint.entity).type, inTypes);
      return;
    case 'is':
      check(constraint.entity_type, types.self);
      if (constraint.in !== undefined && 'entity' in constraint.in) {
        check(uidOf(constraint.in.entity).type, inTypes);
      }
  }
}

function readActions(constraint: ActionConstraint, fail: Fail): readonly string[] | undefined {
  if (constraint.op === 'All') return undefined;
  if (constraint.op === '==' && !('entity' in constraint)) return undefined;
  const references = 'entities' in constraint ? constraint.entities : [constraint.entity];
  if (references.length === 0) {
    throw fail(
      'the rule names no action, so it would never apply',
      'name one, or leave out the brackets',
    );
  }
  return references.map((reference) => {
    const { type, id } = uidOf(reference);
    if (type !== actionType) {
      throw fail(`no action is of type ${type}`, `write ${actionType}::"…"`);
    }
    if (actionGroups.includes(id) && constraint.op === '==') {
      throw fail(
        `${id} is a group of actions, no action by itself, so this rule would never apply`,
        `write action in ${actionType}::"${id}"`,
      );
    }
    return id;
  });
}
