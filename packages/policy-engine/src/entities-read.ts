import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';

/** What the conditions of a rule look at beside the context. A head needs no more than what it is in. */
export interface EntitiesRead {
  readonly hasConditions: boolean;
  /** Whether attributes of it, or what it is in, are looked at. To compare it with another takes none of that. */
  readonly principal: boolean;
  readonly resource: boolean;
  readonly action: boolean;
  /** Which of the three are used as such, not for their attributes alone. */
  readonly compared: readonly Variable[];
  /** Attributes of whatever it looks at; sorted. */
  readonly attributes: readonly string[];
  /** Entities are reached by other ways than the three variables, so that nothing may be left out. */
  readonly others: boolean;
}

const variables = ['principal', 'resource', 'action'] as const;
type Variable = (typeof variables)[number];

/** Collects what the conditions look at. When in doubt it says yes. */
export function entitiesReadBy(conditions: PolicyJson['conditions']): EntitiesRead {
  const looked = new Set<Variable | 'others'>();
  const compared = new Set<Variable>();
  const attributes = new Set<string>();

  /** `names` are the attributes taken one after the other. */
  const lookAt = (left: unknown, names: readonly string[]): void => {
    const variable = variableOf(left);
    for (const name of names) attributes.add(name);
    if (variable !== undefined && names.length <= 1) looked.add(variable);
    else if (!isOfContext(left)) looked.add('others');
  };
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) for (const item of value) visit(item);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    const variable = variableOf(value);
    if (variable !== undefined) compared.add(variable);
    for (const [operator, item] of Object.entries(value)) visitOperator(operator, item);
  };
  const visitOperator = (operator: string, item: unknown): void => {
    if (typeof item !== 'object' || item === null || !('left' in item)) {
      visit(item);
      return;
    }
    const isWithin = operator === 'in' || (operator === 'is' && 'in' in item);
    if (isWithin || operator === 'getTag' || operator === 'hasTag') lookAt(item.left, []);
    if (!('attr' in item)) {
      visit(item);
      return;
    }
    lookAt(item.left, [item.attr].flat().map(String));
    if (variableOf(item.left) === undefined) visit(item.left);
  };
  for (const { body } of conditions) visit(body);
  return {
    hasConditions: conditions.length > 0,
    principal: looked.has('principal'),
    resource: looked.has('resource'),
    action: looked.has('action'),
    compared: [...compared].sort(),
    attributes: [...attributes].sort(),
    others: looked.has('others'),
  };
}

function variableOf(value: unknown): Variable | undefined {
  if (typeof value !== 'object' || value === null || !('Var' in value)) return undefined;
  return variables.find((name) => name === value.Var);
}

/** The context or something in it: no member of the context is an entity. */
function isOfContext(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if ('Var' in value) return value.Var === 'context';
  const taken = '.' in value ? value['.'] : undefined;
  return typeof taken === 'object' && taken !== null && 'left' in taken && isOfContext(taken.left);
}
