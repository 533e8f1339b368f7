import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Decision, PolicyRequest } from '@modelhost/kernel';
import { pointOf, ruleSetOf } from './fixtures/decision-points.ts';
import { callRequest, inputRequest, modelRequest, requestOf, toolOf } from './fixtures/requests.ts';
import type { RequestChange } from './fixtures/requests.ts';
import { createPolicyEngine, readRuleSet, singleSource } from './index.ts';
import type { DecisionPoint, RuleSet } from './index.ts';

const permitAll = '@id("all") permit (principal, action, resource);';
const tool = toolOf({ path: { type: 'string' } });

function brief({ effect, reasons }: Decision): string {
  return `${effect} ${reasons.map(({ rule }) => rule).join()}`;
}

function call(change?: RequestChange): PolicyRequest {
  return callRequest(tool, { path: 'a' }, change);
}

const allActions = {
  AcceptInput: [],
  UseModel: [],
  ListTool: [],
  CallTool: [],
  AcceptToolResult: [],
  EmitOutput: [],
  ReadMemory: [],
  WriteMemory: [],
  ForgetMemory: [],
};

suite('platform and tenant decide together', () => {
  const platform = ruleSetOf(
    `@id("p.models") permit (principal, action == ModelHost::Action::"UseModel", resource);
     @id("p.never") forbid (principal, action, resource is ModelHost::Tool in ModelHost::ToolServer::"x");`,
    { name: 'base', revision: 3, digest: 'p' },
  );
  const acme = ruleSetOf(
    `@id("t.tools") permit (principal, action in ModelHost::Action::"CallTool", resource);
     @id("t.no-m") forbid (principal, action, resource == ModelHost::Model::"m");`,
    { name: 'acme', revision: 7, digest: 't', scope: { tenant: 'acme' } },
  );
  const source = {
    rulesFor: (tenant: string): readonly RuleSet[] =>
      tenant === 'acme' ? [platform, acme] : [platform],
  };
  const point = createPolicyEngine({ source });

  test('a permit of either is enough, a forbid of either is final, and the bundles are named', async () => {
    assert.equal(brief(await point.decide(call())), 'allow t.tools');
    assert.equal(brief(await point.decide(modelRequest('m'))), 'deny t.no-m');
    assert.equal(brief(await point.decide(modelRequest('n'))), 'allow p.models');
    const forbidden = callRequest(toolOf({}, { name: 'x__a', server: 'x' }), {});
    assert.equal(brief(await point.decide(forbidden)), 'deny p.never');
    assert.deepEqual((await point.decide(call())).bundles, ['base@3', 'acme@7']);
  });

  test('rules of one tenant are none for another', async () => {
    const other = { tenant: 'evil' };
    assert.equal(brief(await point.decide(modelRequest('m', other))), 'allow p.models');
    assert.equal(brief(await point.decide(call(other))), 'deny default-deny');
    const decision = await point.decide(modelRequest('m', other));
    assert.deepEqual([decision.bundles, decision.policyDigest], [['base@3'], 'p']);
    assert.notEqual((await point.decide(modelRequest('m'))).policyDigest, 'p');
  });

  test('a source that hands out the rules of another tenant is not believed', async () => {
    const mixed = createPolicyEngine({ source: { rulesFor: () => [platform, acme] } });
    assert.equal(
      brief(await mixed.decide(modelRequest('m', { tenant: 'evil' }))),
      'deny policy-error',
    );
    assert.deepEqual(await mixed.visible(modelRequest('m', { tenant: 'evil' }), [tool]), []);
    assert.deepEqual(await point.visible(modelRequest('m'), [tool]), [tool]);
  });

  test('a source that fails, or has no rules, denies', async () => {
    const failing = createPolicyEngine({
      source: {
        rulesFor: () => {
          throw new Error('not read');
        },
      },
    });
    assert.equal(brief(await failing.decide(call())), 'deny default-deny');
    assert.equal(
      brief(
        await createPolicyEngine({ source: singleSource(acme) }).decide(call({ tenant: 'evil' })),
      ),
      'deny default-deny',
    );
  });

  test('other rules decide from the next decision on, and beside it as if they did', async () => {
    const changing = createPolicyEngine({ source: singleSource(platform) });
    const beside = changing.asIf(source);
    assert.equal(brief(await changing.decide(call())), 'deny default-deny');
    assert.equal(brief(await beside.decide(call())), 'allow t.tools');
    changing.use(source);
    assert.equal(brief(await changing.decide(call())), 'allow t.tools');
    beside.use(singleSource(platform));
    assert.equal(brief(await changing.decide(call())), 'allow t.tools');
    assert.equal(changing.digest(), 'p');
  });
});

suite('an agent that acts on behalf of a user', () => {
  const users = '@id("users") permit (principal is ModelHost::User, action, resource);';
  const agents = '@id("agents") permit (principal is ModelHost::Agent, action, resource);';
  const ofHelper = `@id("helper") permit (principal == ModelHost::Agent::"helper", action, resource)
    when { principal.tenant == ModelHost::Tenant::"acme" };`;
  const delegated = { isDelegated: true };

  test('needs a permit of its own, and so does the user', async () => {
    const rows: readonly (readonly [string, string, string])[] = [
      [users, 'allow users', 'deny default-deny'],
      [agents, 'deny default-deny', 'deny default-deny'],
      [users + agents, 'allow users', 'allow agents,users'],
      [users + ofHelper, 'allow users', 'allow helper,users'],
    ];
    for (const [rules, alone, together] of rows) {
      const point = pointOf(rules);
      assert.equal(brief(await point.decide(call())), alone);
      assert.equal(brief(await point.decide(call(delegated))), together);
    }
  });

  test('is denied where either is, and held where either is held', async () => {
    const gate = (who: string): string =>
      `@id("gate-${who}") @remedy("approval") forbid (principal is ModelHost::${who}, action, resource) unless { context has approval };`;
    const never = '@id("never") forbid (principal is ModelHost::Agent, action, resource);';
    const both = users + agents;
    assert.equal(
      brief(await pointOf(both + gate('Agent')).decide(call(delegated))),
      'hold gate-Agent',
    );
    assert.equal(
      brief(await pointOf(both + gate('User')).decide(call(delegated))),
      'hold gate-User',
    );
    const joined = await pointOf(both + gate('User') + never).decide(call(delegated));
    assert.equal(brief(joined), 'deny never');
    const votes = [{ subject: 'bob', roles: [] }];
    const approval = { callDigest: 'digest-1', votes, expiresAtMs: call().context.nowMs + 1 };
    const gates = both + gate('User') + gate('Agent');
    assert.equal(
      brief(await pointOf(gates).decide(call({ ...delegated, approval }))),
      'allow agents,users',
    );
  });

  test('is not asked about what comes in, which the user brings', async () => {
    assert.equal(brief(await pointOf(users).decide(inputRequest(1, delegated))), 'allow users');
  });
});

suite('listing tools', () => {
  const list = requestOf('ListTool', { type: 'tool', tool, arguments: {} });
  test('needs no permit, and a forbid hides', async () => {
    assert.equal(brief(await pointOf([]).decide(list)), 'allow ');
    const hidden =
      '@id("hide") forbid (principal, action == ModelHost::Action::"ListTool", resource);';
    assert.equal(brief(await pointOf(hidden).decide(list)), 'deny hide');
  });
});

suite('obligations of a decision', () => {
  function point(oblige: string, authorize = permitAll): DecisionPoint {
    return pointOf([
      { name: 'authorize.cedar', text: authorize },
      { name: 'oblige.cedar', text: oblige },
    ]);
  }
  const onCalls = 'permit (principal, action in ModelHost::Action::"CallTool", resource)';

  test('are joined over all rules that apply, whatever the effect', async () => {
    const oblige = `
      @id("o.path") @oblige("redact") @arguments("path, path") ${onCalls};
      @id("o.limit") @oblige("limit") @result_bytes_max("100") @timeout_ms_max("9") ${onCalls};
      @id("o.lower") @oblige("limit") @result_bytes_max("50") ${onCalls};
      @id("o.label") @oblige("label") @label("pii") @confidentiality("secret") @integrity("untrusted") ${onCalls};
      @id("o.tell") @oblige("notify") @channel("sec,ops") ${onCalls};
      @id("o.audit") @oblige("audit") @level("full") ${onCalls};
      @id("o.other") @oblige("notify") @channel("nobody") ${onCalls} when { false };`;
    const expected = {
      redact: { detectors: {}, arguments: ['path'] },
      reveal: {},
      limits: { resultBytesMax: 50, timeoutMsMax: 9 },
      transforms: [],
      labels: {
        integrity: 'untrusted',
        sources: [],
        confidentiality: 'secret',
        compartments: ['pii'],
      },
      audit: 'full',
      notify: ['ops', 'sec'],
    };
    const gate = '@id("g") @remedy("approval") forbid (principal, action, resource);';
    for (const authorize of [permitAll, `${permitAll}${gate}`, '']) {
      const { obligations } = await point(oblige, authorize).decide(call());
      assert.deepEqual(obligations, expected);
    }
  });

  test('never grant', async () => {
    const audit = `@id("o") @oblige("audit") @level("full") permit (principal, action, resource);`;
    assert.equal(brief(await point(audit, '').decide(call())), 'deny default-deny');
  });

  test('that the place where it happens cannot keep deny, and say which', async () => {
    const rows: readonly (readonly [string, PolicyRequest])[] = [
      ['@oblige("reveal") @arguments("path") @detectors("card")', modelRequest('m')],
      ['@oblige("transform") @op("strip_links")', call()],
      ['@oblige("limit") @max_output_tokens("5")', call()],
      ['@oblige("limit") @timeout_ms_max("5")', modelRequest('m')],
      ['@oblige("label") @label("pii")', requestOf('EmitOutput', { type: 'output' })],
      [
        '@oblige("audit") @level("full")',
        requestOf('ListTool', { type: 'tool', tool, arguments: {} }),
      ],
    ];
    for (const [duty, request] of rows) {
      const oblige = `@id("o") ${duty} permit (principal, action, resource);`;
      assert.equal(brief(await point(oblige).decide(request)), 'deny obligation-unsupported', duty);
      assert.equal(brief(await point(oblige, '').decide(modelRequest('m'))), 'deny default-deny');
    }
    const gate = '@id("g") @remedy("approval") forbid (principal, action, resource);';
    const unsupported = `@id("o") @oblige("limit") @max_output_tokens("5") ${onCalls};`;
    assert.equal(
      brief(await point(unsupported, `${permitAll}${gate}`).decide(call())),
      'deny obligation-unsupported',
    );
  });

  test('that can be kept where it happens go with the permission', async () => {
    const memory = { type: 'memory', namespace: 'notes', owner: 'ann', bytes: 1 } as const;
    const rows: readonly (readonly [string, PolicyRequest])[] = [
      ['@oblige("limit") @max_output_tokens("5")', modelRequest('m')],
      ['@oblige("redact") @detectors("card")', call()],
      ['@oblige("redact") @detectors("card")', modelRequest('m')],
      ['@oblige("redact") @detectors("card")', inputRequest(1)],
      ['@oblige("redact") @detectors("card")', requestOf('EmitOutput', { type: 'output' })],
      ['@oblige("reveal") @arguments("path") @detectors("card")', call()],
      ['@oblige("transform") @op("strip_links")', requestOf('EmitOutput', { type: 'output' })],
      [
        '@oblige("transform") @op("strip_markup")',
        requestOf('AcceptToolResult', { type: 'tool-result', tool, bytes: 1 }),
      ],
      ['@oblige("label") @label("pii")', requestOf('WriteMemory', memory)],
      ['@oblige("label") @integrity("untrusted")', inputRequest(1)],
    ];
    for (const [duty, request] of rows) {
      const oblige = `@id("o") ${duty} permit (principal, action, resource);`;
      assert.equal(brief(await point(oblige).decide(request)), 'allow all', duty);
    }
    const wide = createPolicyEngine({
      source: singleSource(
        ruleSetOf([
          { name: 'a.cedar', text: permitAll },
          {
            name: 'oblige/a.cedar',
            text: `@id("o") @oblige("limit") @max_output_tokens("5") ${onCalls};`,
          },
        ]),
      ),
      supported: { ...allActions, CallTool: ['limits.maxOutputTokens'] },
    });
    const { effect, obligations } = await wide.decide(call());
    assert.deepEqual([effect, obligations.limits], ['allow', { maxOutputTokens: 5 }]);
  });

  test('of a rule that fails deny, and count as if it applied', async () => {
    const fails = `@id("o") @oblige("redact") @arguments("path") ${onCalls}
      when { context.counters.costMicroUsd * 9223372036854775807 > 0 };`;
    const decision = await point(fails).decide(call());
    assert.equal(brief(decision), 'deny o');
    assert.deepEqual(decision.obligations.redact.arguments, ['path']);
  });

  test('to hide arguments hold for a call that cannot even be asked about', async () => {
    const hide = `@id("o") @oblige("redact") @arguments("path") permit (principal, action == ModelHost::Action::"other", resource);`;
    const decision = await point(hide).decide(callRequest(tool, { path: 7 }));
    assert.equal(brief(decision), 'deny policy-error');
    assert.deepEqual(decision.obligations.redact.arguments, ['path']);
  });
});

suite('ways out other than an approval', () => {
  const forbid = 'forbid (principal, action, resource);';

  test('hold whatever it is, without gates, and join with an approval', async () => {
    const point = pointOf(`${permitAll}
      @id("other") @remedy("choose_other_model") @ttl_seconds("5") ${forbid}
      @id("later") @remedy("wait") @ttl_seconds("9") ${forbid}`);
    const held = await point.decide(modelRequest('m'));
    assert.ok(held.effect === 'hold');
    assert.deepEqual(
      [held.remedies, held.gates, held.ttlMs],
      [['choose_other_model', 'wait'], [], 5_000],
    );
    const mixed = await pointOf(
      `${permitAll} @id("a") @remedy("approval") ${forbid} @id("b") @remedy("step_up") ${forbid}`,
    ).decide(call());
    assert.ok(mixed.effect === 'hold');
    assert.deepEqual([mixed.remedies, mixed.gates.length], [['approval', 'step_up'], 1]);
  });

  test('stay when the approval is there', async () => {
    const rules = `${permitAll}
      @id("a") @remedy("approval") forbid (principal, action, resource) unless { context has approval };
      @id("b") @remedy("wait") ${forbid}`;
    const votes = [{ subject: 'bob', roles: [] }];
    const approval = { callDigest: 'digest-1', votes, expiresAtMs: call().context.nowMs + 1 };
    const held = await pointOf(rules).decide(call({ approval }));
    assert.ok(held.effect === 'hold');
    assert.deepEqual([held.remedies, held.gates], [['wait'], []]);
  });
});

suite('a rule set', () => {
  const at = (name: string, text: string): { readonly name: string; readonly text: string } => ({
    name,
    text,
  });
  const oblige = '@id("o") @oblige("audit") @level("full") permit (principal, action, resource);';

  test('takes its parts from the names of the files', () => {
    const set = ruleSetOf([
      at('authorize.cedar', '@id("a") permit (principal, action, resource);'),
      at('authorize/b.cedar', '@id("b") permit (principal, action, resource);'),
      at('top.cedar', '@id("c") permit (principal, action, resource);'),
      at('oblige.cedar', oblige),
      at('oblige/p.cedar', oblige.replace('"o"', '"p"')),
      at('bundle.yaml', 'name: x'),
    ]);
    assert.deepEqual(
      set.authorize.rules.map(({ id }) => id),
      ['a', 'b', 'c'],
    );
    assert.deepEqual(
      set.oblige.rules.map(({ id }) => id),
      ['o', 'p'],
    );
  });

  test('refuses rules in the wrong part, in no part, and twice', () => {
    const rows: readonly (readonly [readonly ReturnType<typeof at>[], RegExp])[] = [
      [
        [at('a.cedar', oblige)],
        /^a\.cedar:1:1: rule "o" has @oblige in a file of rules that authorize; move it/,
      ],
      [[at('oblige.cedar', permitAll)], /^oblige\.cedar:1:1: rule "all" has no @oblige/],
      [
        [at('other/a.cedar', permitAll)],
        /^other\/a\.cedar: rules stand here that belong to no part/,
      ],
      [[at('oblige/x/a.cedar', oblige)], /belong to no part/],
      [
        [at('a.cedar', permitAll), at('oblige.cedar', oblige.replace('"o"', '"all"'))],
        /^oblige\.cedar:1:1: a rule "all" stands at a\.cedar:1:1 already/,
      ],
    ];
    for (const [files, message] of rows) {
      assert.throws(() => ruleSetOf(files), { code: 'config_invalid', message });
    }
  });

  test('is checked against the tools that come with it', () => {
    const rules = `@id("r") forbid (principal, action == ModelHost::Action::"s__act", resource)
      when { context.arguments.pth == "x" };`;
    assert.ok(ruleSetOf(rules));
    assert.throws(() => ruleSetOf(rules, { tools: [tool] }), {
      code: 'config_invalid',
      message: /^a\.cedar:2:14: rule "r" does not fit the action s__act: .*did you mean `path`/,
    });
    assert.ok(ruleSetOf(rules.replace('pth', 'path'), { tools: [tool] }));
  });

  test('has rules that can be sent to another thread', () => {
    const set = readRuleSet({
      name: 'x',
      scope: 'platform',
      revision: 1,
      digest: 'd',
      files: [at('a.cedar', permitAll), at('oblige.cedar', oblige)],
      tools: [],
    });
    for (const { rules } of [set.authorize, set.oblige]) {
      assert.deepEqual(structuredClone(rules), rules);
    }
  });
});
