import type { CedarValueJson, Expr, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { entityName, roots } from './flat-question.ts';
import type { FlatRules, Path, Root, Sent } from './flat-question.ts';

/** A rule that was read, by its id. */
export interface ParsedRule {
  readonly id: string;
  readonly policy: PolicyJson;
}

/**
 * Makes the rules flat; undefined for rules that look at values in a way that this cannot follow. They are to be asked only
 * where their heads fit.
 */
export function flattenRules(rules: readonly ParsedRule[]): FlatRules | undefined {
  const flattening = createFlattening();
  try {
    const policies = rules.map(({ id, policy }) => [id, flatten(policy, flattening)] as const);
    return { policies: Object.fromEntries(policies), ...flattening.done() };
  } catch (thrown) {
    if (thrown instanceof Unfollowed) return undefined;
    throw thrown;
  }
}

/** Leaves the recursion; it is caught above and never seen outside this file. */
class Unfollowed extends Error {
  override readonly name = 'Unfollowed';
}

interface Flattening {
  readonly depth: number;
  memberFor(path: Path, as: 'value' | 'name'): Expr;
  presenceOf(path: Path): { readonly left: Expr; readonly attr: [string] };
  need(path: Path): void;
  place(variable: Root): void;
  compare(): void;
  done(): Omit<FlatRules, 'policies'>;
}

function createFlattening(): Flattening {
  const numbers = new Map<string, number>();
  const sent: Sent[] = [];
  const needed: Path[] = [];
  const placed = new Set<Root>();
  let isAboutEntities = false;
  const nameFor = (path: Path, as: Sent['as']): string => {
    const key = JSON.stringify([as, path.root, ...path.names]);
    const number = numbers.get(key) ?? sent.push({ ...path, as }) - 1;
    numbers.set(key, number);
    return String(number);
  };
  return {
    depth: 0,
    memberFor: (path, as) => ({ '.': { left: { Var: 'context' }, attr: nameFor(path, as) } }),
    presenceOf: (path) => ({ left: { Var: 'context' }, attr: [nameFor(path, 'presence')] }),
    need: (path) => void needed.push(path),
    place: (variable) => void placed.add(variable),
    compare: () => {
      isAboutEntities = true;
    },
    done: () => ({
      sent,
      needed,
      isAboutEntities,
      isPrincipalPlaced: placed.has('principal'),
      isResourcePlaced: placed.has('resource'),
    }),
  };
}

function flatten({ effect, conditions }: PolicyJson, flattening: Flattening): PolicyJson {
  return {
    effect,
    principal: { op: 'All' },
    action: { op: 'All' },
    resource: { op: 'All' },
    conditions: conditions.map(({ kind, body }) => ({ kind, body: rewrite(body, flattening) })),
  };
}

type Rewrite = (argument: never, flattening: Flattening) => unknown;

/** Cedar refuses trees of a depth that it takes as text: two or three levels for an expression, 128 in all. */
const depthMax = 24;

/** Numbers that this language cannot hold were rounded when the rule was parsed; the text has them as they are. */
function checkNumbers(value: CedarValueJson): void {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) throw new Unfollowed();
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) checkNumbers(part);
  }
}

interface Binary {
  readonly left: Expr;
  readonly right: Expr;
}

/** An expression is an object with one member: its operator. */
function rewrite(expression: Expr, outer: Flattening): Expr {
  const flattening = { ...outer, depth: outer.depth + 1 };
  if (flattening.depth > depthMax) throw new Unfollowed();
  const [entry] = Object.entries(expression);
  if (entry === undefined) throw new Unfollowed();
  const [operator, argument] = entry;
  const special = Object.hasOwn(rewrites, operator) ? rewrites[operator] : undefined;
  // Each operator of Cedar's format has one form of argument, which its entry in the table expects.
  if (special !== undefined) return special(argument as never, flattening) as Expr;
  // What is left is the call of an extension function: its name, and its arguments.
  if (!Array.isArray(argument)) throw new Unfollowed();
  // The arguments of a function are expressions, whatever its name.
  return { [operator]: (argument as Expr[]).map((inner) => rewrite(inner, flattening)) };
}

const unary =
  (operator: string): Rewrite =>
  ({ arg }: { readonly arg: Expr }, flattening) => ({
    [operator]: { arg: rewrite(arg, flattening) },
  });

const binary =
  (operator: string): Rewrite =>
  ({ left, right }: Binary, flattening) => ({
    [operator]: { left: rewrite(left, flattening), right: rewrite(right, flattening) },
  });

/** To read an entity takes Cedar 10 µs, and a text much less. So where one is compared with a known one, its name will do. */
const equality =
  (operator: string): Rewrite =>
  ({ left, right }: Binary, flattening) => {
    const sides = nameSides(left, right, flattening) ?? nameSides(right, left, flattening);
    return sides === undefined
      ? binary(operator)({ left, right } as never, flattening)
      : { [operator]: sides };
  };

function nameSides(one: Expr, other: Expr, flattening: Flattening): Binary | undefined {
  const name = 'Value' in one ? entityName(one.Value) : undefined;
  const path = pathOf(other);
  if (name === undefined || path === undefined) return undefined;
  if (path.names.length !== 1 || path.root === 'context') return undefined;
  return { left: { Value: name }, right: flattening.memberFor(path, 'name') };
}

const rewrites: Readonly<Record<string, Rewrite>> = {
  Value: (value: CedarValueJson) => {
    checkNumbers(value);
    return { Value: value };
  },
  Var: (name: string, flattening) => {
    // The context as a whole has another form than the rule expects.
    if (name === 'context') throw new Unfollowed();
    flattening.compare();
    return { Var: name };
  },
  '!': unary('!'),
  neg: unary('neg'),
  isEmpty: unary('isEmpty'),
  ...Object.fromEntries(
    ['<', '<=', '>', '>=', '&&', '||', '+', '-', '*'].map((operator) => [
      operator,
      binary(operator),
    ]),
  ),
  '==': equality('=='),
  '!=': equality('!='),
  contains: binary('contains'),
  containsAll: binary('containsAll'),
  containsAny: binary('containsAny'),
  in: rewriteIn,
  '.': rewriteMember,
  has: rewriteHas,
  like: ({ left, pattern }: { readonly left: Expr; readonly pattern: unknown }, flattening) => ({
    like: { left: rewrite(left, flattening), pattern },
  }),
  is: rewriteIs,
  'if-then-else': (parts: Readonly<Record<string, Expr>>, flattening) => ({
    'if-then-else': rewriteAll(parts, flattening),
  }),
  Set: (members: readonly Expr[], flattening) => ({
    Set: members.map((member) => rewrite(member, flattening)),
  }),
  Record: (members: Readonly<Record<string, Expr>>, flattening) => ({
    Record: rewriteAll(members, flattening),
  }),
};

function rewriteAll(
  parts: Readonly<Record<string, Expr>>,
  flattening: Flattening,
): Record<string, Expr> {
  return Object.fromEntries(
    Object.entries(parts).map(([name, part]) => [name, rewrite(part, flattening)]),
  );
}

function rewriteIn({ left, right }: Binary, flattening: Flattening): Expr {
  return { in: { left: placedVariable(left, flattening), right: rewrite(right, flattening) } };
}

interface Is {
  readonly left: Expr;
  readonly entity_type: string;
  readonly in?: Expr;
}

function rewriteIs(is: Is, flattening: Flattening): Expr {
  const { left, entity_type: type, in: within } = is;
  if (within === undefined) return { is: { left: rewrite(left, flattening), entity_type: type } };
  return {
    is: {
      left: placedVariable(left, flattening),
      entity_type: type,
      in: rewrite(within, flattening),
    },
  };
}

/** Of other things than the principal and the resource it is not known what they are in. */
function placedVariable(left: Expr, flattening: Flattening): Expr {
  const path = pathOf(left);
  if (path === undefined || path.names.length > 0 || path.root === 'context') {
    throw new Unfollowed();
  }
  flattening.place(path.root);
  flattening.compare();
  return left;
}

interface Member {
  readonly left: Expr;
  readonly attr: string;
}

function rewriteMember({ left, attr }: Member, flattening: Flattening): Expr {
  const path = pathOf({ '.': { left, attr } });
  if (path === undefined) return { '.': { left: recordIn(left, flattening), attr } };
  checkReach(path);
  return flattening.memberFor(path, 'value');
}

interface Has {
  readonly left: Expr;
  readonly attr: string | readonly string[];
}

function rewriteHas({ left, attr }: Has, flattening: Flattening): Expr {
  const names = [attr].flat();
  const path = pathOf(left);
  if (path === undefined) {
    return { has: { left: recordIn(left, flattening), attr: [...names] as [string] } };
  }
  const asked = { root: path.root, names: [...path.names, ...names] };
  checkReach(asked);
  // Cedar fails where a record is missing of which a member is asked for, and so must this.
  if (path.names.length > 0) flattening.need(path);
  return { has: flattening.presenceOf(asked) };
}

/** A record that is worked out, such as by `if`. An entity could be worked out as well, of which nothing is known then. */
function recordIn(left: Expr, flattening: Flattening): Expr {
  if (!('Record' in left)) throw new Unfollowed();
  return rewrite(left, flattening);
}

/** Attributes of principal and resource can be entities, of which nothing is known here. */
function checkReach({ root, names }: Path): void {
  if (root !== 'context' && names.length > 1) throw new Unfollowed();
}

/** The path that the expression takes from a variable, one name after the other; undefined for any other expression. */
function pathOf(expression: Expr): Path | undefined {
  if ('Var' in expression) {
    const root = roots.find((name) => name === expression.Var);
    return root === undefined ? undefined : { root, names: [] };
  }
  if (!('.' in expression)) return undefined;
  // An expression with this operator has this form; Cedar's own type leaves room for functions of any name.
  const { left, attr } = expression['.'] as Member;
  const path = pathOf(left);
  return path === undefined ? undefined : { root: path.root, names: [...path.names, attr] };
}
