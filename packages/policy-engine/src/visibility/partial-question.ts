import type { CedarValueJson, EntityJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { CedarQuestion, PolicySlice } from '../cedar-runtime.ts';
import { uidOf } from '../entity-uid.ts';
import { clausesOf, conditionsText } from '../explain/clauses.ts';
import type { Rule } from '../rules.ts';

/** Rules under their places, parts of permits under `place.number`, and the question in each of the worlds that it could be asked in. */
export interface PartialQuestion {
  readonly policies: PolicySlice['policies'];
  readonly worlds: readonly CedarQuestion[];
}

/** Members of the context that a request can be without. */
const optionalMembers = ['approval', 'evidence'];

/**
 * Makes what the rules read, but is not known yet, unknown; what may be missing is unknown in one world and missing in
 * another. What the rules do not look at is left out, so that one answer serves many tools and askers.
 */
export function askPartly(rules: readonly Rule[], question: CedarQuestion): PartialQuestion {
  const named = [...new Set(rules.flatMap(({ contextNamed }) => contextNamed))].sort();
  const optional = named.filter((name) => optionalMembers.includes(name));
  const worlds = optional.reduce<readonly (readonly string[])[]>(
    (some, name) => [...some, ...some.map((missing) => [...missing, name])],
    [[]],
  );
  const lean = withoutUnread(rules, question);
  return {
    // Two rule sets may have a rule of one id.
    policies: Object.fromEntries(rules.flatMap((rule, place) => policiesOf(rule, String(place)))),
    worlds: worlds.map((missing) => ({
      ...lean,
      context: contextOf(
        named.filter((name) => !missing.includes(name)),
        question.context,
      ),
    })),
  };
}

function contextOf(
  names: readonly string[],
  known: CedarQuestion['context'],
): Record<string, CedarValueJson> {
  const context: Record<string, CedarValueJson> = {};
  for (const name of names) {
    const value = Object.hasOwn(known, name) ? known[name] : undefined;
    context[name] = value ?? { __extn: { fn: 'unknown', arg: name } };
  }
  return context;
}

/**
 * The rule without its head, which is known to fit. Of a permit also what has to hold in any case, by itself: Cedar does not
 * conclude from a part that fails that the whole does, when something unknown stands before it.
 */
function policiesOf({ effect, text }: Rule, place: string): readonly (readonly [string, string])[] {
  const head = `${effect} (principal, action, resource)`;
  const clauses = clausesOf(text);
  const whole = [place, `${head} ${conditionsText(clauses)};`] as const;
  if (effect === 'forbid') return [whole];
  const needed = clauses.flatMap(({ kind, body, parts }) =>
    (parts.length === 0 ? [body] : parts).map((part) => conditionsText([{ kind, body: part }])),
  );
  return [
    whole,
    ...needed.map((part, number) => [`${place}.${number}`, `${head} ${part};`] as const),
  ];
}

/** The question without attributes that no rule reads, and with nameless entities where no rule compares them. */
function withoutUnread(rules: readonly Rule[], question: CedarQuestion): CedarQuestion {
  const reads = rules.map(({ entitiesRead }) => entitiesRead);
  if (reads.some(({ others }) => others)) return question;
  const attributes = new Set(reads.flatMap((each) => each.attributes));
  const compared = new Set(reads.flatMap((each) => each.compared));
  const nameless = (name: 'principal' | 'action' | 'resource'): CedarQuestion['principal'] => {
    const { type, id } = uidOf(question[name]);
    return { type, id: compared.has(name) ? id : '' };
  };
  const entityOf = (name: 'principal' | 'action' | 'resource'): readonly EntityJson[] => {
    const { type, id } = uidOf(question[name]);
    return question.entities
      .filter(({ uid }) => uidOf(uid).type === type && uidOf(uid).id === id)
      .map(({ attrs, parents }) => ({
        uid: nameless(name),
        attrs: Object.fromEntries(Object.entries(attrs).filter(([each]) => attributes.has(each))),
        // Who asks what something is in compares it.
        parents: compared.has(name) ? parents : [],
      }));
  };
  return {
    principal: nameless('principal'),
    action: nameless('action'),
    resource: nameless('resource'),
    context: question.context,
    entities: [...entityOf('principal'), ...entityOf('action'), ...entityOf('resource')],
  };
}
