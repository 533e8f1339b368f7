import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Json, JsonObject, PolicyRequest } from '@modelhost/kernel';
import fc from 'fast-check';
import { pointOf } from '../fixtures/decision-points.ts';
import { hideWords } from '../fixtures/hide-words.ts';
import { toCedar, toRequest } from '../fixtures/plain-rules.ts';
import type { Condition, PlainRequest, PlainRule } from '../fixtures/plain-rules.ts';
import { callRequest, modelRequest, nowMs, toolOf } from '../fixtures/requests.ts';
import { compareDecisions } from './compare-decisions.ts';
import { maskArguments } from './masked-arguments.ts';
import type { RecordedDecision } from './recorded-decision.ts';
import { replayDecisions } from './replay-decisions.ts';
import type { RehearsalCandidate, RehearsalReport } from './replay-decisions.ts';

function candidateOf(rules: string): RehearsalCandidate {
  return pointOf(rules);
}

/** What is not kept. */
interface Masks {
  readonly paths?: readonly string[];
  readonly hide?: (values: JsonObject) => Json;
}

/** What the rules say of the requests, one a second, as a log would have it. */
async function record(
  candidate: RehearsalCandidate,
  requests: readonly PolicyRequest[],
  { paths = [], hide = hideWords() }: Masks = {},
): Promise<readonly RecordedDecision[]> {
  const hash = (text: string): string => `hash-${text.length}`;
  return Promise.all(
    requests.map(async (request, index) => ({
      id: `decision-${index}`,
      timeMs: nowMs + index * 1_000,
      decision: await candidate.decide(request),
      ...maskArguments(request, paths, { hash, hide }),
    })),
  );
}

async function* streamOf<Item>(items: readonly Item[]): AsyncGenerator<Item, void> {
  yield* items;
}

async function replay(
  recorded: readonly RecordedDecision[],
  candidate: RehearsalCandidate,
): Promise<RehearsalReport> {
  return replayDecisions({ recorded: streamOf(recorded), candidate });
}

const somePath = fc.constantFrom('a', 'ab', 'b');
const someCondition: fc.Arbitrary<Condition> = fc.oneof(
  fc.constant({ type: 'none' } as const),
  fc.record({ type: fc.constantFrom('path-is', 'path-begins', 'path-among'), path: somePath }),
  fc.record({ type: fc.constant('count-above'), count: fc.constantFrom(0, 1) }),
  fc.record({ type: fc.constant('ratio-above'), ratio: fc.constantFrom(0.5, 0.5001) }),
  fc.constant({ type: 'has-note' } as const),
);
const someRules: fc.Arbitrary<readonly PlainRule[]> = fc
  .array(
    fc.record({
      effect: fc.constantFrom('permit', 'permit', 'forbid'),
      hasRemedy: fc.boolean(),
      principal: fc.constantFrom('any', 'staff'),
      actions: fc.constantFrom('any', 'calls', 's', 'model'),
      resource: fc.constant('any'),
      condition: someCondition,
    }),
    { maxLength: 5 },
  )
  .map((rules) =>
    rules.map((rule, index) => ({
      ...rule,
      id: `rule-${index}`,
      // Only calls have arguments: a rule about them that is for others too is refused when it is loaded.
      actions: rule.condition.type === 'none' || rule.actions === 's' ? rule.actions : 'calls',
    })),
  );
const someRequests: fc.Arbitrary<readonly PlainRequest[]> = fc.array(
  fc.record({
    target: fc.constantFrom('s', 't', 'm'),
    subject: fc.constant('ann'),
    roles: fc.constantFrom([], ['staff']),
    path: somePath,
    count: fc.constantFrom(0, 1, 2),
    ratio: fc.constantFrom(0, 0.5, 0.5001),
    note: fc.constantFrom(undefined, ''),
  }),
  { minLength: 1, maxLength: 12 },
);
const somePaths = fc.subarray(['path', 'paths', 'count', 'ratio', 'note']);
const someWords = fc.subarray(['ab', 'b', 'z', 1, 0.5, 'note']);
const someMasks = fc.record({
  paths: somePaths,
  hide: someWords.map((words) => hideWords(...words)),
});

const textOf = (rules: readonly PlainRule[]): string => rules.map(toCedar).join('\n');
const runs = { numRuns: 30 };

suite('laws of rehearsal', () => {
  test('the same rules change nothing, whatever is masked', async () => {
    await fc.assert(
      fc.asyncProperty(someRules, someRequests, someMasks, async (rules, requests, masks) => {
        const candidate = candidateOf(textOf(rules));
        const recorded = await record(candidate, requests.map(toRequest), masks);
        const report = await replay(recorded, candidate);
        assert.deepEqual([report.changed, report.changes], [0, []]);
        assert.equal(report.unchanged + report.undecidable, requests.length);
      }),
      runs,
    );
  });

  test('without masks a report says exactly what deciding again says', async () => {
    await fc.assert(
      fc.asyncProperty(someRules, someRules, someRequests, async (rules, others, requests) => {
        const candidate = candidateOf(textOf(others));
        const recorded = await record(candidateOf(textOf(rules)), requests.map(toRequest));
        const report = await replay(recorded, candidate);
        const found = await Promise.all(
          recorded.map(async ({ id, request, decision }) =>
            compareDecisions(decision, await candidate.decide(request)).map((change) => ({
              id,
              ...change,
            })),
          ),
        );
        assert.equal(report.changed, found.filter((changes) => changes.length > 0).length);
        assert.equal(report.unchanged, found.filter((changes) => changes.length === 0).length);
        const counted = report.changes.reduce((sum, { decisions }) => sum + decisions, 0);
        assert.equal(counted, found.flat().length);
        for (const { key, examples } of report.changes) {
          for (const { id } of examples) {
            const { kind, cause } = key;
            assert.ok(
              found.flat().some((one) => one.id === id && one.kind === kind && one.cause === cause),
            );
          }
        }
      }),
      runs,
    );
  });

  test('what is reported although something is masked is what the whole request shows', async () => {
    await fc.assert(
      fc.asyncProperty(
        someRules,
        someRules,
        someRequests,
        someMasks,
        async (rules, others, requests, masks) => {
          const before = candidateOf(textOf(rules));
          const candidate = candidateOf(textOf(others));
          const whole = requests.map(toRequest);
          const recorded = await record(before, whole, masks);
          for (const [index, one] of recorded.entries()) {
            const report = await replay([one], candidate);
            if (report.undecidable > 0) continue;
            const request = whole[index];
            assert.ok(request !== undefined);
            const changes = compareDecisions(one.decision, await candidate.decide(request));
            assert.deepEqual(
              new Set(report.changes.map(({ key }) => `${key.kind} ${key.cause}`)),
              new Set(changes.map(({ kind, cause }) => `${kind} ${cause}`)),
            );
          }
        },
      ),
      runs,
    );
  });

  test('the same records and rules give the same report', async () => {
    await fc.assert(
      fc.asyncProperty(
        someRules,
        someRules,
        someRequests,
        someMasks,
        async (rules, others, requests, masks) => {
          const recorded = await record(candidateOf(textOf(rules)), requests.map(toRequest), masks);
          assert.deepEqual(
            await replay(recorded, candidateOf(textOf(others))),
            await replay(recorded, candidateOf(textOf(others))),
          );
        },
      ),
      { numRuns: 10 },
    );
  });
});

const permitAll = '@id("all") permit (principal, action, resource);';
const tool = toolOf({ to: { type: 'string' }, amount: { type: 'integer' } });
const call = (to: string, amount = 1): PolicyRequest => callRequest(tool, { to, amount });
const noBob = `@id("no-bob") forbid (principal, action == ModelHost::Action::"s__act", resource)
  when { context.arguments.to == "bob" };`;

test('changes are grouped by what changes, rule, action and resource, with the first examples and no values', async () => {
  const recorded = await record(candidateOf(permitAll), [
    call('bob'),
    call('eve'),
    modelRequest('m'),
    ...Array.from({ length: 8 }, () => call('bob')),
  ]);
  const noModel = `@id("no-model") forbid (principal, action == ModelHost::Action::"UseModel", resource);`;
  const report = await replay(recorded, candidateOf(`${permitAll}\n${noBob}\n${noModel}`));
  assert.deepEqual(report, {
    policyDigest: 'digest',
    period: { sinceMs: nowMs, untilMs: nowMs + 10_000 },
    decisions: 11,
    unchanged: 1,
    changed: 10,
    undecidable: 0,
    isComplete: true,
    changes: [
      {
        key: { kind: 'allow-to-deny', cause: 'no-bob', action: 'CallTool', resource: 's__act' },
        decisions: 9,
        examples: [0, 3, 4, 5, 6].map((index) => ({
          id: `decision-${index}`,
          timeMs: nowMs + index * 1_000,
        })),
      },
      {
        key: { kind: 'allow-to-deny', cause: 'no-model', action: 'UseModel', resource: 'm' },
        decisions: 1,
        examples: [{ id: 'decision-2', timeMs: nowMs + 2_000 }],
      },
    ],
    undecided: [],
    groupsOmitted: 0,
  });
});

test('what a rule would have to read is not guessed: it is counted under the rule', async () => {
  const before = candidateOf(permitAll);
  const after = candidateOf(`${permitAll}\n${noBob}`);
  const requests = [call('bob'), call('eve'), modelRequest('m')];
  const report = await replay(await record(before, requests, { paths: ['to'] }), after);
  assert.deepEqual([report.changed, report.unchanged, report.undecidable], [0, 1, 2]);
  assert.deepEqual(
    report.undecided.map(({ key, decisions }) => ({ ...key, decisions })),
    [{ rule: 'no-bob', resource: 's__act', decisions: 2 }],
  );
  const other = await replay(await record(before, requests, { paths: ['amount'] }), after);
  assert.deepEqual([other.changed, other.unchanged, other.undecidable], [1, 2, 0]);
  // Hidden in one of them only: the rule is asked about the other.
  const hidden = await replay(await record(before, requests, { hide: hideWords('bob') }), after);
  assert.deepEqual([hidden.changed, hidden.unchanged, hidden.undecidable], [0, 2, 1]);
  const none = await replay(await record(before, requests, { paths: ['*'] }), after);
  assert.deepEqual(
    none.undecided.map(({ key, decisions }) => ({ ...key, decisions })),
    [{ rule: 'arguments-not-kept', resource: 's__act', decisions: 2 }],
  );
});

test('a decision that failed is not made again when something is masked', async () => {
  const wrong: JsonObject = { to: 'bob', amount: 1.5 };
  const candidate = candidateOf(permitAll);
  const recorded = await record(candidate, [callRequest(tool, wrong)], { paths: ['amount'] });
  assert.equal(recorded[0]?.decision.effect, 'deny');
  const report = await replay(recorded, candidate);
  assert.deepEqual(
    report.undecided.map(({ key }) => key.rule),
    ['policy-error'],
  );
});

test('decisions, groups and examples are bounded, and the report says what is missing', async () => {
  const before = candidateOf(permitAll);
  const requests = Array.from({ length: 30 }, (_, index) => modelRequest(`m-${index % 10}`));
  const recorded = await record(before, requests);
  let isClosed = false;
  async function* stream(): AsyncGenerator<RecordedDecision, void> {
    try {
      yield* recorded;
    } finally {
      isClosed = true;
    }
  }
  const report = await replayDecisions({
    recorded: stream(),
    candidate: candidateOf(''),
    bound: { decisionsMax: 25, groupsMax: 4, examplesMax: 2 },
  });
  assert.deepEqual([report.decisions, report.changed, report.isComplete], [25, 25, false]);
  assert.deepEqual(
    report.changes.map(({ key, decisions, examples }) => [
      key.resource,
      decisions,
      examples.length,
    ]),
    [
      ['m-0', 3, 2],
      ['m-1', 3, 2],
      ['m-2', 3, 2],
      ['m-3', 3, 2],
    ],
  );
  assert.equal(report.groupsOmitted, 13);
  assert.ok(isClosed);
});

test('other work goes on during a rehearsal, and it ends when it is aborted', async () => {
  const candidate = candidateOf(permitAll);
  const recorded = await record(
    candidate,
    Array.from({ length: 160 }, () => modelRequest('m')),
  );
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns += 1;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await replay(recorded, candidate);
  isOver = true;
  assert.ok(turns >= 9, `${turns} turns of the event loop`);

  const abort = new AbortController();
  setImmediate(() => abort.abort(new Error('enough')));
  await assert.rejects(
    replayDecisions({ recorded: streamOf(recorded), candidate, signal: abort.signal }),
    /enough/,
  );
});
