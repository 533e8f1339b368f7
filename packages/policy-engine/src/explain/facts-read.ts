import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';

const roots = ['context', 'principal', 'resource', 'action'];

/** Names of what a rule reads, such as `context.labels.untrusted` or `principal`; sorted, never a value. */
export function factsReadBy({ principal, resource, conditions }: PolicyJson): readonly string[] {
  const facts = new Set<string>();
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const path = pathOf(value);
    if (path !== undefined) facts.add(path);
    else for (const item of Object.values(value)) visit(item);
  };
  for (const { body } of conditions) visit(body);
  if (principal.op !== 'All') facts.add('principal');
  if (resource.op !== 'All') facts.add('resource');
  return [...facts].sort();
}

/** The longest path that the expression is, from a variable on; with what it asks for where it is `has`. */
function pathOf(expression: object): string | undefined {
  if ('Var' in expression) return roots.find((name) => name === expression.Var);
  const taken = '.' in expression ? expression['.'] : undefined;
  const asked = 'has' in expression ? expression.has : undefined;
  const look = taken ?? asked;
  if (typeof look !== 'object' || look === null || !('left' in look) || !('attr' in look)) {
    return undefined;
  }
  if (typeof look.left !== 'object' || look.left === null) return undefined;
  const path = pathOf(look.left);
  return path === undefined ? undefined : [path, ...[look.attr].flat().map(String)].join('.');
}
