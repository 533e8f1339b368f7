import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { actionType } from './schema.ts';

/** Names that a rule uses anywhere, in its scope or its conditions. */
export interface RuleNames {
  /** Ids of actions; the schema has to know them all. */
  readonly actionsNamed: ReadonlySet<string>;
  /** Members of arguments that it may read or ask for: all attribute names but those directly on a variable. */
  readonly argumentsNamed: ReadonlySet<string>;
}

/** Collects the names from the parsed rule. Its depth is bounded by the bounds of its text. */
export function namesIn(policy: PolicyJson): RuleNames {
  const actionsNamed = new Set<string>();
  const argumentsNamed = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) {
      for (const item of value) visit(item);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    if ('type' in value && 'id' in value && value.type === actionType) {
      actionsNamed.add(String(value.id));
    }
    if ('left' in value && 'attr' in value) {
      const names = [value.attr].flat();
      // `resource.name` and the first name in `context has arguments.path` are ours, not the tool's.
      for (const name of isVariable(value.left) ? names.slice(1) : names) {
        argumentsNamed.add(String(name));
      }
    }
    for (const item of Object.values(value)) visit(item);
  };
  visit([policy.action, policy.conditions]);
  return { actionsNamed, argumentsNamed };
}

function isVariable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'Var' in value;
}
