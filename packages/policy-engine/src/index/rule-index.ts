import type {
  EntityUidJson,
  PrincipalConstraint,
  ResourceConstraint,
  TypeAndId,
} from '@cedar-policy/cedar-wasm/nodejs';
import { HostError } from '@modelhost/kernel';
import { createBoundedMap } from '../bounded-map.ts';
import { uidOf } from '../entity-uid.ts';
import type { RuleScope } from '../rule-scope.ts';
import type { Rule } from '../rules.ts';

/** What the index has to know of a rule. */
export interface IndexedRule extends RuleScope {
  readonly id: string;
}

/** What a rule's head is compared with. */
export interface RuleQuery {
  /** Id of the action, then those of its groups. */
  readonly actions: readonly string[];
  readonly principal: TypeAndId;
  /** What the principal is in, all the way up. */
  readonly principalParents: readonly TypeAndId[];
  readonly resource: TypeAndId;
  readonly resourceParents: readonly TypeAndId[];
}

/** Rules by what their heads say. It never changes. */
export interface RuleIndex<Each extends IndexedRule = Rule> {
  /** How many there are. */
  readonly size: number;
  /** In the order in which they were given. Of many that were packed it takes a while to read this first. */
  readonly rules: readonly Each[];
  /**
   * Exactly the rules whose head fits, sorted by id. The cost does not grow with the number of rules. Queries that the
   * same rules answer get the very same list, so that what is prepared for it can be found by it; lists that were not
   * asked for in a long time are forgotten and made anew.
   */
  candidates(query: RuleQuery): readonly Each[];
  /** Rules that fit but for the principal, the first of them by id. For explanations: nothing is kept. */
  forOthers(query: RuleQuery, rulesMax: number): readonly Each[];
}

/**
 * Rules that are unpacked when one of them is first asked about: objects that are not there cost the collection of garbage
 * nothing, and of many rules few are ever asked about.
 */
export interface RulePack<Each extends IndexedRule = Rule> {
  /** What the heads of its rules say, in their order. */
  readonly heads: readonly IndexedRule[];
  readonly unpack: () => readonly Each[];
}

/** Takes rules piece by piece, so that many of them need not be indexed at one go. */
export interface RuleIndexBuilder<Each extends IndexedRule = Rule> {
  add(pack: RulePack<Each>): void;
  /** To be called once, after the last rule. */
  build(): RuleIndex<Each>;
}

/** Makes the index at one go: some microseconds for each rule. */
export function createRuleIndex<Each extends IndexedRule>(rules: readonly Each[]): RuleIndex<Each> {
  const builder = createRuleIndexBuilder<Each>();
  builder.add({ heads: rules, unpack: () => rules });
  return builder.build();
}

/** One rule, wherever it is. */
interface Entry<Each> {
  readonly id: string;
  readonly rulesOf: () => readonly Each[];
  readonly place: number;
}

/** Rules with the same head, but for other actions that they name. */
interface Bucket<Each> {
  readonly number: number;
  readonly entries: Entry<Each>[];
}

/** By key of the principal, of the resource, of the action. */
type Buckets<Each> = Map<string, Map<string, Map<string, Bucket<Each>>>>;

const listsMax = 4_096;

/** Makes an index rule by rule. */
export function createRuleIndexBuilder<Each extends IndexedRule>(): RuleIndexBuilder<Each> {
  const packs: (() => readonly Each[])[] = [];
  let size = 0;
  const buckets: Buckets<Each> = new Map();
  const resourceKeys: KeyCollection = { all: new Set(), kinds: new Set() };
  const principalKeys: KeyCollection = { all: new Set(), kinds: new Set() };
  let bucketsMade = 0;

  function bucketOf(action: string, resource: string, principal: string): Bucket<Each> {
    const byPrincipal = entryOf(
      entryOf(buckets, action, () => new Map<string, Map<string, Bucket<Each>>>()),
      resource,
      () => new Map<string, Bucket<Each>>(),
    );
    return entryOf(byPrincipal, principal, () => {
      bucketsMade += 1;
      return { number: bucketsMade, entries: [] };
    });
  }

  function add(head: IndexedRule, entry: Entry<Each>): void {
    const resource = keyOf(head.resource);
    const principal = keyOf(head.principal);
    resourceKeys.all.add(resource);
    resourceKeys.kinds.add(kindOf(resource));
    principalKeys.all.add(principal);
    principalKeys.kinds.add(kindOf(principal));
    for (const action of actionKeysOf(head)) {
      bucketOf(action, resource, principal).entries.push(entry);
    }
  }

  return {
    add: ({ heads, unpack }) => {
      const rulesOf = once(unpack);
      packs.push(rulesOf);
      size += heads.length;
      for (const [place, head] of heads.entries()) add(head, { id: head.id, rulesOf, place });
    },
    build: () => indexOf({ packs, size, buckets, resourceKeys, principalKeys }),
  };
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

interface Contents<Each> {
  readonly packs: readonly (() => readonly Each[])[];
  readonly size: number;
  readonly buckets: Buckets<Each>;
  /** Those that any rule has: a query need not try others. */
  readonly resourceKeys: KnownKeys;
  readonly principalKeys: KnownKeys;
}

/** How a key begins: anything, equal, in, of a type, of a type and in. */
type Kind = '*' | '=' | '<' | ':' | ':<';

interface KnownKeys {
  readonly all: ReadonlySet<string>;
  readonly kinds: ReadonlySet<Kind>;
}

interface KeyCollection {
  readonly all: Set<string>;
  readonly kinds: Set<Kind>;
}

function indexOf<Each extends IndexedRule>({
  packs,
  size,
  buckets,
  resourceKeys,
  principalKeys,
}: Contents<Each>): RuleIndex<Each> {
  const lists = createBoundedMap<readonly Each[]>(listsMax);
  const none: readonly Each[] = [];

  function bucketsFor(query: RuleQuery): readonly Bucket<Each>[] {
    const ofResource = keysFor(query.resource, query.resourceParents, resourceKeys);
    const ofPrincipal = keysFor(query.principal, query.principalParents, principalKeys);
    const found: Bucket<Each>[] = [];
    for (const action of [anyKey, ...query.actions.map((id) => `=${id}`)]) {
      const byResource = buckets.get(action);
      if (byResource === undefined) continue;
      for (const resource of ofResource) {
        const byPrincipal = byResource.get(resource);
        if (byPrincipal === undefined) continue;
        for (const principal of ofPrincipal) {
          const bucket = byPrincipal.get(principal);
          if (bucket !== undefined) found.push(bucket);
        }
      }
    }
    return found;
  }

  function bucketsForAnybody(query: RuleQuery): readonly Bucket<Each>[] {
    const ofResource = keysFor(query.resource, query.resourceParents, resourceKeys);
    return [anyKey, ...query.actions.map((id) => `=${id}`)].flatMap((action) =>
      ofResource.flatMap((key) => [...(buckets.get(action)?.get(key)?.values() ?? [])]),
    );
  }

  const rulesOf = once(() => packs.flatMap((unpack) => unpack()));
  return {
    size,
    get rules() {
      return rulesOf();
    },
    forOthers: (query, rulesMax) => {
      const own = new Set(merge(bucketsFor(query)));
      return merge(bucketsForAnybody(query))
        .filter((entry) => !own.has(entry))
        .slice(0, rulesMax)
        .map(ruleOf);
    },
    candidates: (query) => {
      const found = bucketsFor(query);
      const [only] = found;
      if (only === undefined) return none;
      if (found.length === 1) {
        return lists.getOrMake(String(only.number), () => merge(found).map(ruleOf));
      }
      // The numbers say which rules they are, whoever asks: principals that no rule tells apart share a list.
      const key = found
        .map(({ number }) => number)
        .sort((left, right) => left - right)
        .join();
      return lists.getOrMake(key, () => merge(found).map(ruleOf));
    },
  };
}

/** A rule about several actions can stand in several buckets. */
function merge<Each>(buckets: readonly Bucket<Each>[]): readonly Entry<Each>[] {
  const entries = new Set(buckets.flatMap((bucket) => bucket.entries));
  return [...entries].sort((left, right) => (left.id < right.id ? -1 : 1));
}

function ruleOf<Each>({ rulesOf, place }: Entry<Each>): Each {
  const rule = rulesOf()[place];
  // A rule that is lost could be a forbid.
  if (rule === undefined) throw new HostError('internal', 'a rule of the index is not there');
  return rule;
}

const anyKey = '*';

/** An action may be called `*` too, so it is the head that says whether any is meant, never the name. */
function actionKeysOf({ actions }: IndexedRule): Iterable<string> {
  return actions === undefined ? [anyKey] : new Set(actions.map((id) => `=${id}`));
}

/** The signs before the names keep apart what they mean: `=` is, `<` in, `:` of the type. */
function keyOf(constraint: PrincipalConstraint | ResourceConstraint): string {
  switch (constraint.op) {
    case 'All':
      return anyKey;
    case '==':
      return 'entity' in constraint ? `=${nameOf(constraint.entity)}` : anyKey;
    case 'in':
      return 'entity' in constraint ? `<${nameOf(constraint.entity)}` : anyKey;
    case 'is': {
      const type = `:${constraint.entity_type}`;
      const { in: within } = constraint;
      return within !== undefined && 'entity' in within ? `${type}<${nameOf(within.entity)}` : type;
    }
  }
}

/** The keys of the constraints that hold for the entity, of those that there are. An entity is in itself. */
function keysFor(
  self: TypeAndId,
  parents: readonly TypeAndId[],
  { all, kinds }: KnownKeys,
): readonly string[] {
  const type = `:${self.type}`;
  const keys: string[] = [];
  // To make a key takes longer than all else here, so none is made of a kind that no rule has.
  const keep = (kind: Kind, make: () => string): void => {
    const key = kinds.has(kind) ? make() : undefined;
    if (key !== undefined && all.has(key)) keys.push(key);
  };
  keep('*', () => anyKey);
  keep('=', () => `=${nameOf(self)}`);
  keep(':', () => type);
  for (const entity of [self, ...parents]) {
    keep('<', () => `<${nameOf(entity)}`);
    keep(':<', () => `${type}<${nameOf(entity)}`);
  }
  return keys;
}

/** A type holds none of the signs, and an id stands behind all of them. */
function kindOf(key: string): Kind {
  if (key.startsWith('=')) return '=';
  if (key.startsWith('<')) return '<';
  if (key === anyKey) return '*';
  return key.includes('<') ? ':<' : ':';
}

function nameOf(reference: EntityUidJson): string {
  const { type, id } = uidOf(reference);
  return `${type}::${id}`;
}

function entryOf<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
