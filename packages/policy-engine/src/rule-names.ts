import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { actionType } from './actions.ts';
import { entitiesReadBy } from './entities-read.ts';
import type { EntitiesRead } from './entities-read.ts';

/** Names that a rule uses anywhere, in its scope or its conditions; each list is sorted. */
export interface RuleNames {
  /** Ids of actions; the schema has to know them all. */
  readonly actionsNamed: readonly string[];
  /** Members of arguments that it may read or ask for: all attribute names but those directly on a variable. */
  readonly argumentsNamed: readonly string[];
  /** Members of the context that it may read or ask for: with the same of these it says the same. */
  readonly contextNamed: readonly string[];
  /** What else its conditions look at. */
  readonly entitiesRead: EntitiesRead;
}

/** Stands among the names of the context for all of it, as in `context == {…}`. No member has this name. */
export const wholeContext = '\0context';

/** Stands among the names for the arguments as a whole, as in `context.arguments == {…}`. No member has this name. */
export const wholeArguments = '\0arguments';

/** Collects the names from the parsed rule. Its depth is bounded by the bounds of its text. */
export function namesIn(policy: PolicyJson): RuleNames {
  const actionsNamed = new Set<string>();
  const argumentsNamed = new Set<string>();
  const contextNamed = new Set<string>();
  /** `isTaken`: only a member of the value is used, or whether there is one. */
  const visit = (value: unknown, isTaken: boolean): void => {
    if (Array.isArray(value)) for (const item of value) visit(item, false);
    else if (typeof value === 'object' && value !== null) visitNode(value, isTaken);
  };
  const visitNode = (value: object, isTaken: boolean): void => {
    if ('type' in value && 'id' in value && value.type === actionType) {
      actionsNamed.add(String(value.id));
    }
    if ('left' in value && 'attr' in value) {
      for (const name of memberNames(value, isTaken)) argumentsNamed.add(name);
      if (isVariable(value.left, 'context')) contextNamed.add(String([value.attr].flat()[0]));
      else visit(value.left, true);
      return;
    }
    if (isVariable(value, 'context')) {
      contextNamed.add(wholeContext);
      if (!isTaken) argumentsNamed.add(wholeArguments);
    }
    for (const [key, item] of Object.entries(value)) visit(item, key === 'has' || isTaken);
  };
  for (const condition of policy.conditions) visit(condition.body, false);
  visit(policy.action, false);
  return {
    actionsNamed: [...actionsNamed].sort(),
    argumentsNamed: [...argumentsNamed].sort(),
    contextNamed: [...contextNamed].sort(),
    entitiesRead: entitiesReadBy(policy.conditions),
  };
}

/** What a look at members, `left.attr` or `left has attr`, may read of the arguments. */
function memberNames(
  { left, attr }: { readonly left: unknown; readonly attr: unknown },
  isTaken: boolean,
): readonly string[] {
  const names = [attr].flat().map(String);
  if (!isVariable(left)) return names;
  // `resource.name` and the first name in `context has arguments.path` are ours, not the tool's.
  const [first, ...rest] = names;
  const isWhole = isVariable(left, 'context') && first === 'arguments' && rest.length === 0;
  return isWhole && !isTaken ? [wholeArguments] : rest;
}

function isVariable(value: unknown, name?: string): boolean {
  if (typeof value !== 'object' || value === null || !('Var' in value)) return false;
  return name === undefined || value.Var === name;
}
