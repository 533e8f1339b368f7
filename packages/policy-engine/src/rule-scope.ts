import type {
  ActionConstraint,
  PolicyJson,
  PrincipalConstraint,
  ResourceConstraint,
} from '@cedar-policy/cedar-wasm/nodejs';
import type { HostError } from '@modelhost/kernel';
import { uidOf } from './entity-uid.ts';
import { actionType, callToolGroup } from './schema.ts';

/** What the head of a rule is about, besides its principal. */
export interface RuleScope {
  /** Ids of actions and action groups; undefined for every action. */
  readonly actions: readonly string[] | undefined;
  readonly resource: ResourceConstraint;
}

type Fail = (problem: string, remedy: string) => HostError;

/** Reads the head of a rule. One that could never apply is refused, since a forbid that never fires allows. */
export function readScope({ principal, action, resource }: PolicyJson, fail: Fail): RuleScope {
  const actions = readActions(action, fail);
  checkTypes('principal', { constraint: principal, types: principalTypes }, fail);
  const types = actions === undefined ? anyResource : joinTypes(actions.map(resourceTypesOf));
  checkTypes('resource', { constraint: resource, types }, fail);
  return { actions, resource };
}

interface Types {
  /** Types that the thing itself can have. */
  readonly self: readonly string[];
  /** Types of what it can be in. */
  readonly groups: readonly string[];
}

const principalTypes: Types = { self: ['User'], groups: ['Role', 'Tenant'] };
const tool: Types = { self: ['Tool'], groups: ['ToolServer'] };
const model: Types = { self: ['Model'], groups: [] };
const agent: Types = { self: ['Agent'], groups: [] };
const anyResource: Types = joinTypes([tool, model, agent]);

function resourceTypesOf(action: string): Types {
  if (action === 'AcceptInput') return agent;
  return action === 'UseModel' ? model : tool;
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
    if (id === callToolGroup && constraint.op === '==') {
      throw fail(
        `${callToolGroup} is the group of all tool calls, no action by itself, so this rule would never apply`,
        `write action in ${actionType}::"${callToolGroup}"`,
      );
    }
    return id;
  });
}
