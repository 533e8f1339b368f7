import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Decision, PolicyRequest } from '@modelhost/kernel';
import { noObligations } from '@modelhost/kernel';
import { isAtLeastAsStrict, someObligations } from '../fixtures/obligations.ts';
import { nearMiss, someRequest } from './law-requests.ts';
import { forgetful, someReaders, someRules } from './law-world.ts';
import type { LawRule, LawRules, World } from './law-world.ts';
import { malformed } from './malformed.ts';
import { decideRaw } from './raw-decision.ts';

/** What always holds. */
export interface Law {
  readonly title: string;
  /** Fails by throwing. */
  check(world: World, options: LawOptions): Promise<void>;
}

/** How hard to try. With a seed it is the same each time, and a failure is not made smaller. */
export interface LawOptions {
  readonly runs: number;
  readonly seed?: number;
}

type Body<Values extends readonly unknown[]> = (world: World, ...values: Values) => Promise<void>;

function law<Values extends [unknown, ...unknown[]]>(
  title: string,
  values: { readonly [Index in keyof Values]: fc.Arbitrary<Values[Index]> },
  body: Body<Values>,
): Law {
  return {
    title,
    check: async (world, { runs, seed }) => {
      const property = fc.asyncProperty(fc.tuple(...values), (generated) =>
        // The tuple has a value for each of the generators, in their order.
        body(world, ...(generated as Values)),
      );
      const once = seed === undefined ? {} : { seed, endOnFailure: true };
      await fc.assert(property, { numRuns: runs, ...once });
    },
  };
}

const strictness = { allow: 0, hold: 1, deny: 2 };
const permitAll: LawRule = {
  id: 'all',
  isPermit: true,
  text: '@id("all") permit (principal, action, resource);',
};
const forbidAll: LawRule = {
  id: 'never',
  isPermit: false,
  text: '@id("never") forbid (principal, action, resource);',
};
const rules = someRules();
const requests = fc.array(someRequest, { minLength: 1, maxLength: 4 });

function decide(
  world: World,
  sets: readonly LawRules[],
  request: PolicyRequest,
): Promise<Decision> {
  return world.pointOf(sets).decide(request);
}

function bytes(decision: Decision): string {
  return JSON.stringify(decision);
}

function isFault({ reasons }: Decision): boolean {
  return reasons.some(({ message }) => message === 'policy error');
}

function and(set: LawRules, ...more: readonly LawRule[]): LawRules {
  return { ...set, authorize: [...set.authorize, ...more] };
}

/** The laws of decisions, each about a decision point that may be a mutant. */
export const laws: readonly Law[] = [
  law(
    'two requests that differ in one thing are kept apart by one decision point',
    [fc.oneof(rules, someReaders), nearMiss],
    async (world, set, [one, other]) => {
      const [point, fresh] = [world.pointOf([set]), forgetful.pointOf([set])];
      for (const request of [one, other, one]) {
        assert.equal(bytes(await point.decide(request)), bytes(await fresh.decide(request)));
      }
    },
  ),

  law('same question, same bytes', [rules, requests], async (world, set, asked) => {
    const [point, other] = [world.pointOf([set]), world.pointOf([set])];
    for (const request of asked) {
      const decision = bytes(await point.decide(request));
      assert.equal(bytes(await point.decide(structuredClone(request))), decision);
      assert.equal(bytes(await other.decide(request)), decision);
    }
  }),

  law('without a permit nothing is allowed', [rules, someRequest], async (world, set, request) => {
    const without = { ...set, authorize: set.authorize.filter(({ isPermit }) => !isPermit) };
    assert.equal((await decide(world, [without], request)).effect, 'deny');
  }),

  law(
    'a forbid without a way out denies, whatever else is permitted or approved',
    [rules, someRequest],
    async (world, set, request) => {
      const decision = await decide(world, [and(set, permitAll, forbidAll)], request);
      assert.equal(decision.effect, 'deny');
    },
  ),

  law(
    'a forbid more never makes a decision milder',
    [rules, rules, someRequest],
    async (world, set, other, request) => {
      const more = other.authorize.filter(({ isPermit }) => !isPermit).map(renamed);
      const before = await decide(world, [set], request);
      const after = await decide(world, [and(set, ...more)], request);
      assert.ok(strictness[after.effect] >= strictness[before.effect]);
    },
  ),

  law(
    'a permit less never makes a decision milder',
    [rules, fc.nat(), someRequest],
    async (world, set, pick, request) => {
      const permits = set.authorize.filter(({ isPermit }) => isPermit);
      const gone = permits[pick % Math.max(permits.length, 1)];
      const before = await decide(world, [set], request);
      // Of two faults only one may be gone, and a rule that fails denies by itself.
      if (gone === undefined || isFault(before)) return;
      const less = { ...set, authorize: set.authorize.filter((rule) => rule !== gone) };
      const after = await decide(world, [less], request);
      assert.ok(strictness[after.effect] >= strictness[before.effect]);
    },
  ),

  law('the order of the rules changes no byte', [rules, requests], async (world, set, asked) => {
    const turned = { authorize: set.authorize.toReversed(), oblige: set.oblige.toReversed() };
    const [point, other] = [world.pointOf([set]), world.pointOf([turned])];
    for (const request of asked) {
      assert.equal(bytes(await other.decide(request)), bytes(await point.decide(request)));
    }
  }),

  law(
    'it decides what Cedar says of all rules at once, with everything told',
    [rules, requests],
    async (world, set, asked) => {
      const point = world.pointOf([set]);
      for (const request of asked) {
        const { effect, reasons } = await point.decide(request);
        const named = [...new Set(reasons.map(({ rule }) => rule))];
        assert.deepEqual({ effect, rules: named }, decideRaw(set, request));
      }
    },
  ),

  law('what it remembers changes no byte', [rules, requests], async (world, set, asked) => {
    const [point, fresh] = [world.pointOf([set]), forgetful.pointOf([set])];
    for (const request of [...asked, ...asked.toReversed()]) {
      assert.equal(bytes(await point.decide(request)), bytes(await fresh.decide(request)));
    }
  }),

  law(
    'two rule sets decide like one that holds the rules of both',
    [rules, someRules('t'), someRequest],
    async (world, platform, tenant, request) => {
      const both = {
        authorize: [...platform.authorize, ...tenant.authorize],
        oblige: [...platform.oblige, ...tenant.oblige],
      };
      const apart = await decide(world, [platform, tenant], request);
      const together = await decide(world, [both], request);
      const { policyDigest, bundles } = together;
      assert.equal(bytes({ ...apart, policyDigest, bundles }), bytes(together));
    },
  ),

  law(
    'one rule that fails denies, in either set and of either effect',
    [rules, fc.constantFrom('permit', 'forbid', 'oblige'), someRequest],
    async (world, set, kind, request) => {
      const { costMicroUsd } = request.context.spent;
      const condition = `context.counters.costMicroUsd * ${String(2n ** 63n - 1n)} > ${String(costMicroUsd)}`;
      const effect = kind === 'forbid' ? 'forbid' : 'permit';
      const duty = kind === 'oblige' ? '@oblige("audit") @level("full")' : '';
      const text = `@id("fails") ${duty} ${effect} (principal, action, resource) when { ${condition} };`;
      const fails = { id: 'fails', isPermit: kind === 'permit', text };
      const permissive = { authorize: [permitAll], oblige: set.oblige };
      const broken =
        kind === 'oblige'
          ? { ...permissive, oblige: [...set.oblige, fails] }
          : and(permissive, fails);
      const decision = await decide(world, [broken], request);
      assert.equal(decision.effect, 'deny');
      assert.ok(decision.reasons.some(({ rule }) => rule === 'fails'));
    },
  ),

  law(
    'what no rule reads changes no byte',
    [rules, someRequest, fc.constantFrom('role', 'run', 'day')],
    async (world, set, request, kind) => {
      const point = world.pointOf([set]);
      const { principal, context } = request;
      const changed = {
        role: { ...request, principal: { ...principal, roles: [...principal.roles, 'nobody'] } },
        run: { ...request, context: { ...context, runId: 'run-2' } },
        day: {
          ...request,
          context: { ...context, history: { ...context.history, callsLastDay: 9 } },
        },
      }[kind];
      assert.equal(bytes(await point.decide(changed)), bytes(await point.decide(request)));
    },
  ),

  law(
    'obligations are joined in any order and grouping, and however often',
    [someObligations, someObligations, someObligations],
    async ({ join }, one, two, three) => {
      const joined = JSON.stringify(join(join(one, two), three));
      assert.equal(JSON.stringify(join(one, join(two, three))), joined);
      assert.equal(JSON.stringify(join(join(three, one), two)), joined);
      assert.equal(JSON.stringify(join(join(join(one, two), three), one)), joined);
    },
  ),

  law(
    'joined obligations are at least as strict as each',
    [someObligations, someObligations],
    async ({ join }, one, two) => {
      const joined = join(one, two);
      assert.ok(isAtLeastAsStrict(joined, one) && isAtLeastAsStrict(joined, two));
      assert.deepEqual(join(one, noObligations), one);
    },
  ),

  law(
    'what is no proper request is denied and never throws',
    [rules, someRequest, malformed],
    async (world, set, request, spoil) => {
      const decision = await decide(world, [and(set, permitAll)], spoil(request));
      assert.equal(decision.effect, 'deny');
    },
  ),

  law(
    'an agent that acts by itself is allowed no more than the user it acts for',
    [rules, someRequest],
    async (world, set, request) => {
      // What rules say of the agent's own doing is another matter.
      const plain = {
        ...set,
        authorize: set.authorize.filter(({ text }) => !/delegated/.test(text)),
      };
      const alone = await decide(world, [plain], { ...request, isDelegated: false });
      const delegated = await decide(world, [plain], { ...request, isDelegated: true });
      assert.ok(strictness[delegated.effect] >= strictness[alone.effect]);
    },
  ),

  law(
    'a tool that could be called, and listed, is seen',
    [rules, someRequest],
    async (world, set, request) => {
      const { resource } = request;
      if (resource.type !== 'tool') return;
      const point = world.pointOf([set]);
      const { effect } = await point.decide(request);
      const listing = { ...resource, arguments: {} };
      const listed = await point.decide({ ...request, action: 'ListTool', resource: listing });
      if (effect === 'deny' || listed.effect !== 'allow') return;
      assert.deepEqual(await point.visible(request, [resource.tool]), [resource.tool]);
    },
  ),

  law(
    'rules that oblige never grant, and a rule more never obliges to less',
    [rules, rules, someRequest],
    async (world, set, other, request) => {
      const more = { ...set, oblige: [...set.oblige, ...other.oblige.map(renamed)] };
      const before = await decide(world, [set], request);
      const after = await decide(world, [more], request);
      assert.ok(strictness[after.effect] >= strictness[before.effect]);
      assert.ok(isAtLeastAsStrict(after.obligations, before.obligations));
    },
  ),
];

function renamed({ id, isPermit, text }: LawRule): LawRule {
  const other = `more-${id}`;
  return { id: other, isPermit, text: text.replace(`@id("${id}")`, `@id("${other}")`) };
}
