import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Decision, JsonObject, PolicyEngine } from '@modelhost/kernel';
import type * as CedarModule from '@cedar-policy/cedar-wasm/nodejs';
import { createCedarRuntime, loadCedar } from './cedar-runtime.ts';
import { pointOf, pointOn } from './fixtures/decision-points.ts';
import { callRequest, inputRequest, modelRequest, toolOf } from './fixtures/requests.ts';
import { readQuestion } from './question.ts';
import { schemaFor } from './schema.ts';

const permitAll = '@id("all") permit (principal, action, resource);';
const nestedTooDeep = `permit (principal, action, resource) when { ${'('.repeat(400)}true${')'.repeat(400)} };`;

function act(engine: PolicyEngine, properties: JsonObject, values: JsonObject): Promise<Decision> {
  return engine.decide(callRequest(toolOf(properties), values));
}

function uid(type: string, id: string): { readonly type: string; readonly id: string } {
  return { type: `ModelHost::${type}`, id };
}

function isPolicyError({ effect, reasons }: Decision): boolean {
  return effect === 'deny' && reasons.every(({ rule }) => rule === 'policy-error');
}

suite('traps of Cedar and its WebAssembly build', () => {
  test('a forbid that fails denies, though Cedar would skip it and allow', async () => {
    const engine = pointOf(`${permitAll}
      @id("overflow") forbid (principal, action == ModelHost::Action::"s__act", resource)
      when { context.arguments.count * 9223372036854775807 > 1 };`);
    const properties = { count: { type: 'integer' } };
    const failed = await act(engine, properties, { count: 3 });
    assert.equal(failed.effect, 'deny');
    assert.deepEqual(failed.reasons, [{ rule: 'overflow', message: 'policy error' }]);
    assert.equal((await act(engine, properties, { count: 0 })).effect, 'allow');
  });

  test('an argument of another type than declared, or a missing one, denies', async () => {
    const engine = pointOf(`${permitAll}
      @id("etc") forbid (principal, action == ModelHost::Action::"s__act", resource)
      when { context.arguments.path like "/etc/*" };`);
    const properties = { path: { type: 'string' } };
    for (const values of [{ path: ['/etc/passwd'] }, {}, { path: null }, { path: 1 }]) {
      assert.ok(isPolicyError(await act(engine, properties, values)));
    }
    assert.equal((await act(engine, properties, { path: '/home' })).effect, 'allow');
  });

  test('a rule that does not fit the schema of a tool denies that tool and no other', async () => {
    const engine = pointOf(`${permitAll}
      @id("typo") forbid (principal, action in ModelHost::Action::"CallTool", resource)
      when { context.arguments.pth like "/etc/*" };`);
    const refused = await act(engine, { path: { type: 'string' } }, { path: 'secret' });
    assert.deepEqual(refused.reasons, [
      { rule: 'policy-error', message: 'rule typo does not fit the schema of s__act' },
    ]);
    assert.equal((await act(engine, { pth: { type: 'string' } }, { pth: '/a' })).effect, 'allow');
    assert.equal((await engine.decide(modelRequest('m'))).effect, 'allow');
  });

  test('an instance that died denies once, and the next decision has a new one', async () => {
    const instances: (typeof CedarModule)[] = [];
    const cedar = createCedarRuntime(() => {
      const instance = loadCedar();
      instances.push(instance);
      return instance;
    });
    // It looks at the model, so that an answer about one is none about another.
    const engine = pointOn(
      cedar,
      '@id("all") permit (principal, action == ModelHost::Action::"UseModel", resource) when { resource != ModelHost::Model::"x" };',
    );
    const request = modelRequest('m');
    const before = await engine.decide(request);
    assert.throws(() => instances[0]?.policyToJson(nestedTooDeep), { name: 'RuntimeError' });
    const unseen = modelRequest('n');
    assert.ok(isPolicyError(await engine.decide(unseen)));
    assert.deepEqual(await engine.decide(unseen), before);
    assert.equal(instances.length, 2);
  });

  test('a question that Cedar cannot read costs no instance', async () => {
    let loads = 0;
    const cedar = createCedarRuntime(() => {
      loads += 1;
      return loadCedar();
    });
    const engine = pointOn(cedar, permitAll);
    assert.ok(isPolicyError(await engine.decide(modelRequest('m', { subject: '\ud800' }))));
    assert.equal((await engine.decide(modelRequest('m'))).effect, 'allow');
    assert.equal(loads, 1);
  });

  test('while no instance can be loaded everything is denied, and the reason says so', async () => {
    let instance: typeof CedarModule | undefined = loadCedar();
    const cedar = createCedarRuntime(() => {
      if (instance === undefined) throw new Error('no memory');
      return instance;
    });
    const engine = pointOn(cedar, permitAll);
    assert.throws(() => instance?.policyToJson(nestedTooDeep), { name: 'RuntimeError' });
    instance = undefined;
    await engine.decide(modelRequest('m'));
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const { effect, reasons } = await engine.decide(modelRequest('m'));
      assert.equal(effect, 'deny');
      assert.deepEqual(reasons, [
        { rule: 'policy-error', message: 'the policy engine cannot be started' },
      ]);
    }
    instance = loadCedar();
    assert.equal((await engine.decide(modelRequest('m'))).effect, 'allow');
  });

  test('keys that Cedar or JavaScript read as something else are refused at any depth', async () => {
    const engine = pointOf(permitAll);
    const properties = {
      who: { type: 'string' },
      list: { type: 'array', items: { type: 'object', properties: {} } },
    };
    const entity = { __entity: { type: 'ModelHost::Role', id: 'admin' } };
    const refused: readonly JsonObject[] = [
      { who: entity },
      { who: 'a', list: [{ a: [entity] }] },
      { who: { __extn: { fn: 'ip', arg: '10.0.0.1' } } },
      { who: 'a', unknown: { __expr: 'true' } },
      // `JSON.parse` makes an own key, as a model's arguments would have it.
      JSON.parse('{"who":"a","list":[],"__proto__":{"admin":true}}') as JsonObject,
    ];
    for (const values of refused) {
      assert.ok(isPolicyError(await act(engine, properties, { list: [], ...values })));
    }
    assert.equal((await act(engine, properties, { who: 'a', list: [] })).effect, 'allow');
  });

  test('numbers that would be rounded, and text that is none, are refused', async () => {
    const engine = pointOf(permitAll);
    const refused: readonly [string, unknown][] = [
      ['integer', 1.5],
      ['integer', 2 ** 53],
      ['integer', 1e21],
      ['integer', Number.NaN],
      ['integer', 1n],
      ['integer', '1'],
      ['integer', null],
      ['number', 0.00001],
      ['number', 1e21],
      ['number', Number.POSITIVE_INFINITY],
      ['number', 922_337_203_685_478],
      ['string', '\ud800'],
      ['string', undefined],
      ['boolean', 'true'],
      ['array', {}],
      ['object', []],
    ];
    for (const [type, value] of refused) {
      const properties = { x: { type, items: { type: 'string' } } };
      // Values that JSON does not have, to see that even they only deny.
      const decision = await act(engine, properties, { x: value } as JsonObject);
      assert.ok(isPolicyError(decision), `${type} ${String(value)}`);
    }
    const allowed: readonly [string, JsonObject[string]][] = [
      ['integer', -0],
      ['integer', Number.MAX_SAFE_INTEGER],
      ['number', -3.25],
      ['number', 922_337_203_685_477],
      ['number', -0],
      ['string', '😀\0'],
    ];
    for (const [type, value] of allowed) {
      const decision = await act(engine, { x: { type } }, { x: value });
      assert.equal(decision.effect, 'allow', `${type} ${JSON.stringify(value)}`);
    }
  });

  test('arguments past the bounds are refused before Cedar sees them', async () => {
    const engine = pointOf(permitAll);
    const many = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, 1]));
    let deep: JsonObject = {};
    for (let level = 0; level < 5000; level += 1) deep = { deep };
    for (const values of [many, { deep }, { text: 'a'.repeat(1_048_577) }]) {
      assert.ok(isPolicyError(await act(engine, {}, values)));
    }
    assert.equal((await act(engine, {}, { text: 'a'.repeat(1_000_000) })).effect, 'allow');
  });

  test('reasons come in one order, whatever order Cedar gives', async () => {
    const engine = pointOf(
      ['c', 'a', 'e', 'b', 'd', 'f']
        .map((id) => `@id("${id}") permit (principal, action, resource);`)
        .join('\n'),
    );
    const answers = new Set<string>();
    for (let turn = 0; turn < 50; turn += 1) {
      answers.add(JSON.stringify(await engine.decide(modelRequest('m'))));
    }
    assert.equal(answers.size, 1);
    const { reasons } = await engine.decide(modelRequest('m'));
    assert.deepEqual(
      reasons.map(({ rule }) => rule),
      ['a', 'b', 'c', 'd', 'e', 'f'],
    );
  });

  test('a refusal says what is wrong before Cedar is asked', async () => {
    const engine = pointOf(permitAll);
    const properties = { text: { type: 'string' } };
    const broken = await act(engine, properties, { text: 'a\udc00' });
    assert.match(broken.reasons[0]?.message ?? '', /no valid Unicode/);
    const missing = await act(engine, properties, {});
    assert.match(missing.reasons[0]?.message ?? '', /a required argument is missing/);
  });

  test('a principal of a type that the action does not take is no valid question', () => {
    const cedar = createCedarRuntime(loadCedar);
    const schema = schemaFor({ type: 'plain', action: 'AcceptInput' }, []);
    const reading = readQuestion(inputRequest(1), () => assert.fail());
    assert.ok(reading.type === 'question');
    const [asker] = reading.question.askers;
    assert.ok(asker);
    const question = asker.cedar;
    const slice = { schema, policies: { all: permitAll } };
    const ask = (type: string): string =>
      cedar.evaluate(slice, { ...question, principal: uid(type, 'x'), entities: [] }).type;
    assert.equal(ask('User'), 'success');
    assert.equal(ask('Role'), 'failure');
  });

  test('no decision quotes an argument', async () => {
    const secret = 'hunter2-secret';
    const engine = pointOf(`${permitAll}
      @id("overflow") @message("too much") forbid (principal, action == ModelHost::Action::"s__act", resource)
      when { context.arguments.count * 9223372036854775807 > 1 };
      @id("named") forbid (principal, action == ModelHost::Action::"s__named", resource)
      when { context.arguments.text == "${secret}" };`);
    const properties = { text: { type: 'string' }, count: { type: 'integer' } };
    const decisions = [
      await act(engine, properties, { text: secret, count: 7_654_321 }),
      await act(engine, properties, { text: [secret], count: 1 }),
      await act(engine, properties, { text: secret, count: '7654321', [secret]: 1 }),
      await engine.decide(
        callRequest(toolOf(properties, { name: 's__named' }), { text: secret, count: 0 }),
      ),
    ];
    for (const decision of decisions) {
      assert.equal(decision.effect, 'deny');
      assert.doesNotMatch(JSON.stringify(decision), /hunter2|7654321/);
    }
  });

  test('a rule on the group of tool calls reaches the tools of every server', async () => {
    const engine = pointOf(
      '@id("calls") permit (principal, action in ModelHost::Action::"CallTool", resource);',
    );
    for (const server of ['a', 'b', 'client']) {
      const tool = toolOf({}, { name: `${server}__x`, server });
      assert.equal((await engine.decide(callRequest(tool, {}))).effect, 'allow');
    }
    assert.equal((await engine.decide(modelRequest('m'))).effect, 'deny');
  });
});
