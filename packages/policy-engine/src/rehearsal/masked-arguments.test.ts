import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject, PolicyRequest } from '@modelhost/kernel';
import fc from 'fast-check';
import { ruleSetOf } from '../fixtures/decision-points.ts';
import { callRequest, modelRequest, toolOf } from '../fixtures/requests.ts';
import { hideWords } from '../fixtures/hide-words.ts';
import { pathsMax } from './mark-hidden.ts';
import { fillMasked, maskArguments, mayReadMasked } from './masked-arguments.ts';

const hash = (text: string): string => `hash of ${text.length} units`;
const hiding = { hash, hide: hideWords() };

function masked(
  values: JsonObject,
  paths: readonly string[],
): { readonly values: Json; readonly masked: readonly string[] } {
  const one = maskArguments(callRequest(toolOf({}), values), paths, hiding);
  const { resource } = one.request;
  return { values: resource.type === 'tool' ? resource.arguments : null, masked: one.masked };
}

function filled(values: JsonObject, paths: readonly string[]): Json {
  const one = maskArguments(callRequest(toolOf({}), values), paths, hiding);
  const { resource } = fillMasked(one.request, one.masked);
  return resource.type === 'tool' ? resource.arguments : null;
}

test('values are replaced at names, in members, and in every item of a list', () => {
  const values = { note: 'n', a: { b: 1, c: 2 }, items: [{ price: 3, name: 'x' }, { name: 'y' }] };
  assert.deepEqual(masked(values, ['note', 'a.b', 'items[].price']), {
    values: {
      note: { $hash: hash('"n"'), $type: 'string' },
      a: { b: { $hash: hash('1'), $type: 'number' }, c: 2 },
      items: [{ price: { $hash: hash('3'), $type: 'number' }, name: 'x' }, { name: 'y' }],
    },
    masked: ['a.b', 'items[].price', 'note'],
  });
  // The same, whether or not the path says that there is a list, and which item.
  const paths = ['items.price', 'items[0].price'];
  for (const path of paths) {
    assert.deepEqual(masked(values, [path]).values, masked(values, ['items[].price']).values);
  }
  assert.deepEqual(masked({ list: [1, 2] }, ['list[]']).values, {
    list: { $hash: hash('[1,2]'), $type: 'array' },
  });
});

test('what is not there is not masked, and the very same request comes back', () => {
  const request = callRequest(toolOf({}), { a: 'text', list: [[{ b: 1 }]] });
  for (const paths of [
    [],
    ['x'],
    ['a.b'],
    ['list.x'],
    ['toString'],
    [''],
    ['.a'],
    ['a.'],
    ['a['],
  ]) {
    const one = maskArguments(request, paths, hiding);
    assert.deepEqual(one.masked, []);
    assert.equal(one.request, request);
  }
  const model = modelRequest('m');
  assert.equal(maskArguments(model, ['id', '*'], hiding).request, model);
});

test('a member named like one that all objects have is masked as any other', () => {
  const values = Object.fromEntries([['__proto__', 'secret']]);
  const { values: after } = masked(values, ['__proto__']);
  assert.ok(isJsonObject(after) && !JSON.stringify(after).includes('secret'));
  assert.deepEqual(Object.keys(after), ['__proto__']);
});

test('all arguments can be left out together', () => {
  assert.deepEqual(masked({ a: 1 }, ['a', '*']), { values: {}, masked: ['*'] });
});

test('what else says something of a masked value goes too: its sums, and digests of the call', () => {
  const sums = { amount: { run: 5, day: 9 }, count: { run: 1, day: 1 } };
  const approval = { callDigest: 'digest-1', votes: [], expiresAtMs: 1 };
  const change = { history: { sums }, approval, callDigest: 'digest-1' };
  const request = callRequest(toolOf({}), { amount: 5, count: 1 }, change);
  const { context } = maskArguments(request, ['amount'], hiding).request;
  assert.deepEqual(context.history.sums, { amount: { run: 0, day: 0 }, count: sums.count });
  assert.equal(context.callDigest, hash('digest-1'));
  // It still is the approval of this very call.
  assert.equal(context.approval?.callDigest, context.callDigest);
  const none = maskArguments(callRequest(toolOf({}), { a: 1 }, { callDigest: '' }), ['*'], hiding);
  assert.deepEqual(
    [none.request.context.callDigest, none.request.context.approval],
    ['', undefined],
  );
});

test('names within a masked value are a part of it: they do not stay as paths of the evidence', () => {
  const values = { meta: { 'ann@example.org': ['x'] }, to: ['a', 'b'], kept: { of: 'x' } };
  const pathsOf = (masks: readonly string[]): readonly (string | undefined)[] => {
    const paths = ['meta.ann@example.org[0]', 'to[1]', 'kept.of'];
    const origins = paths.map((path) => ({ path, origin: 'model', sources: [] }) as const);
    const request = callRequest(toolOf({}), values, { evidence: { values: origins } });
    const { evidence } = maskArguments(request, masks, hiding).request.context;
    return evidence?.values.map(({ path }) => path) ?? [];
  };
  assert.deepEqual(pathsOf(['meta', 'to']), ['meta.…', 'to[1]', 'kept.of']);
  assert.deepEqual(pathsOf(['to[]', 'kept.of']), ['meta.ann@example.org[0]', 'to[1]', 'kept.of']);
  assert.deepEqual(pathsOf(['*']), ['…', '…', '…']);
});

test('a name with a dot or a bracket is masked by what it is called', () => {
  const values = { 'a.b': 'x', a: { b: 'y', c: 1 }, 'filter[name]': 'z', '[]': 'w' };
  const { values: after } = masked(values, ['a.b', 'filter[name]', '[]']);
  assert.doesNotMatch(JSON.stringify(after), /"[xyzw]"/);
  assert.match(JSON.stringify(after), /"c":1/);
});

test('a rule may read a masked value by any name on the way to it, or as part of something whole', () => {
  const sums = { price: { run: 1, day: 1 } };
  const request = callRequest(toolOf({}), {}, { history: { sums } });
  const mayRead = (when: string, paths: readonly string[], asked = request): boolean => {
    const [rule] =
      ruleSetOf(`@id("r") permit (principal, action in ModelHost::Action::"CallTool", resource)
      when { ${when} };`).authorize.rules;
    return rule !== undefined && mayReadMasked(rule, asked, paths);
  };
  const paths = ['other', 'items[].price'];
  const readers = [
    'context has arguments && context.arguments has items && context.arguments.items.isEmpty()',
    'context has arguments && context.arguments has price && context.arguments.price > 1',
    'context has arguments && context.arguments == {}',
    'context == {}',
    'context.history has sums',
  ];
  const others = [
    'context has arguments',
    'context has arguments && context.arguments has item && context.arguments.item == "a"',
    'context.labels.untrusted',
    'principal in ModelHost::Tenant::"acme"',
  ];
  for (const when of readers) assert.ok(mayRead(when, paths), when);
  for (const when of others) assert.ok(!mayRead(when, paths), when);
  const unendorsed = 'context has evidence && context.evidence.unendorsed.contains("items.a")';
  const withPath = (path: string) =>
    callRequest(toolOf({}), {}, { evidence: { values: [{ path, origin: 'model', sources: [] }] } });
  assert.ok(mayRead(unendorsed, paths, withPath('items.…')));
  assert.ok(!mayRead(unendorsed, paths, withPath('items[0]')));
  assert.ok(!mayRead('context.labels.untrusted', paths, withPath('items.…')));
  const unsummed = callRequest(toolOf({}), {});
  assert.ok(!mayRead('context.history.callsOfTool > 1', paths, unsummed));
});

test('what stands in for a masked value has its type and says nothing of it', () => {
  const values = { s: 'x', n: 1.5, b: true, l: [1], o: { p: 1 }, z: null };
  assert.deepEqual(filled(values, Object.keys(values)), {
    s: '',
    n: 0,
    b: false,
    l: [],
    o: {},
    z: null,
  });
  assert.deepEqual(filled({ items: [{ p: 1, q: 'kept' }, { p: 'x' }] }, ['items[].p']), {
    items: [{ p: 0, q: 'kept' }, { p: '' }],
  });
});

const hideSecrets = hideWords('secret', 4_000);

function keep(
  values: JsonObject,
  paths: readonly string[] = [],
): { readonly values: Json; readonly masked: readonly string[]; readonly filled: Json } {
  const request = callRequest(toolOf({}), values);
  const one = maskArguments(request, paths, { hash, hide: hideSecrets });
  const argumentsOf = ({ resource }: PolicyRequest): Json =>
    resource.type === 'tool' ? resource.arguments : null;
  return {
    values: argumentsOf(one.request),
    masked: one.masked,
    filled: argumentsOf(fillMasked(one.request, one.masked)),
  };
}

test('what is hidden stands as it may be seen, with the type that it had, and what stands beside it stays', () => {
  const values = {
    to: ['a secret', 'plain', ['secret']],
    items: [
      { note: 'my secret', price: 4_000 },
      { note: 'none', price: 3 },
    ],
    text: 'plain',
  };
  const mark = (shown: string, type = 'string'): Json => ({ $hidden: shown, $type: type });
  assert.deepEqual(keep(values), {
    values: {
      to: [mark('a [HIDDEN]'), 'plain', [mark('[HIDDEN]')]],
      items: [
        { note: mark('my [HIDDEN]'), price: mark('[HIDDEN]', 'number') },
        { note: 'none', price: 3 },
      ],
      text: 'plain',
    },
    masked: ['items.note', 'items.price', 'to'],
    filled: {
      to: ['', 'plain', ['']],
      items: [
        { note: '', price: 0 },
        { note: 'none', price: 3 },
      ],
      text: 'plain',
    },
  });
});

test('where a name is hidden, all that it is a name in goes', () => {
  const within = { 'my secret': 1 };
  assert.deepEqual(keep({ a: { b: within, c: 'secret' } }), {
    values: {
      a: {
        b: { $hash: hash(JSON.stringify(within)), $type: 'object' },
        c: { $hidden: '[HIDDEN]', $type: 'string' },
      },
    },
    masked: ['a.b', 'a.c'],
    filled: { a: { b: {}, c: '' } },
  });
  // Two names may have become one.
  const both = { a: { secret: 1, '[HIDDEN]': 2 } };
  assert.deepEqual(keep(both).masked, ['a']);
  assert.deepEqual(keep({ secret: 1, a: 'x' }), { values: {}, masked: ['*'], filled: {} });
});

test('a value that policy wants as a hash is one, whatever would be found in it', () => {
  const values = { to: 'secret', note: 'secret', list: [{ to: 'secret' }] };
  assert.deepEqual(keep(values, ['to', 'list[].to']).values, {
    to: { $hash: hash('"secret"'), $type: 'string' },
    note: { $hidden: '[HIDDEN]', $type: 'string' },
    list: [{ to: { $hash: hash('"secret"'), $type: 'string' } }],
  });
});

test('where too much is hidden, nothing is kept', () => {
  const many = (count: number): JsonObject =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`name${index}`, 'secret']));
  assert.equal(keep(many(pathsMax)).masked.length, pathsMax);
  assert.deepEqual(keep(many(pathsMax + 1)), { values: {}, masked: ['*'], filled: {} });
});

test('what else says something of a hidden value goes too', () => {
  const sums = { amount: { run: 4_000, day: 4_000 }, count: { run: 1, day: 1 } };
  const evidence = {
    values: [{ path: 'meta.my secret[0]', origin: 'model', sources: [] }],
  } as const;
  const values = { amount: 4_000, count: 1, meta: { 'my secret': ['x'] } };
  const request = callRequest(toolOf({}), values, {
    history: { sums },
    callDigest: 'digest-1',
    evidence,
  });
  const { context } = maskArguments(request, [], { hash, hide: hideSecrets }).request;
  assert.deepEqual(context.history.sums, { amount: { run: 0, day: 0 }, count: sums.count });
  assert.equal(context.callDigest, hash('digest-1'));
  assert.deepEqual(
    context.evidence?.values.map(({ path }) => path),
    ['meta.…'],
  );
});

test('nothing that is hidden is left, whatever the arguments look like, and rules can be asked', () => {
  const names = fc.constantFrom('a', 'b', 'a.b', 'x[0]', '$type', '__proto__', 'secret');
  const trees: fc.Arbitrary<JsonObject> = fc.letrec<{ tree: JsonObject; value: Json }>((tie) => ({
    tree: fc.dictionary(names, tie('value'), { maxKeys: 3, noNullPrototype: true }),
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<Json>('plain', 'string', 7, 'a secret', 4_000, null, true),
      fc.array(tie('value'), { maxLength: 3 }),
      tie('tree'),
    ),
  })).tree;
  fc.assert(
    fc.property(trees, (tree) => {
      const { values, masked: paths, filled: again } = keep(tree);
      assert.doesNotMatch(JSON.stringify([values, paths, again]), /secret|4000/);
      if (paths.length === 0) assert.deepEqual(values, tree);
      else assert.notDeepEqual(hideSecrets(tree), tree);
      if (paths.includes('*')) return;
      // Of the same form as what was hidden, so that it goes with the same schema.
      assert.doesNotMatch(JSON.stringify(again), /\$hidden|\$hash/);
    }),
  );
});

test('no masked value is left in the request, and nothing else is touched', () => {
  const secret = 'secret-value';
  const names = fc.constantFrom('a', 'b', 'c');
  const trees: fc.Arbitrary<JsonObject> = fc.letrec<{ tree: JsonObject; value: Json }>((tie) => ({
    tree: fc.dictionary(names, tie('value'), { maxKeys: 3 }),
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom<Json>('plain', 7, secret),
      fc.array(tie('value'), { maxLength: 3 }),
      tie('tree'),
    ),
  })).tree;
  const path = fc.array(names, { minLength: 1, maxLength: 3 }).map((steps) => steps.join('.'));
  fc.assert(
    fc.property(trees, fc.array(path, { maxLength: 4 }), (tree, paths) => {
      // The secret stands at the paths and nowhere else.
      const values = JSON.parse(JSON.stringify(tree).replaceAll(secret, 'plain')) as JsonObject;
      const planted = plant(values, paths, secret);
      const after = masked(planted, paths);
      assert.ok(!JSON.stringify(after.values).includes(secret));
      if (after.masked.length === 0) assert.deepEqual(after.values, planted);
      const shape = (value: Json): Json => withoutHashes(value);
      assert.deepEqual(shape(after.values), shape(masked(values, paths).values));
    }),
  );
});

/** The values with the secret at every path that exists in them; objects and lists on the way stay. */
function plant(values: JsonObject, paths: readonly string[], secret: string): JsonObject {
  const change = (value: Json, names: readonly string[]): Json => {
    const [name, ...rest] = names;
    if (name === undefined) return secret;
    if (Array.isArray(value)) return value.map((item: Json) => change(item, names));
    if (!isJsonObject(value) || !(name in value)) return value;
    return { ...value, [name]: change(value[name] ?? null, rest) };
  };
  let planted: Json = values;
  // The longest first, so that a shorter path replaces them whole.
  for (const path of paths.toSorted((one, other) => other.length - one.length)) {
    planted = change(planted, path.split('.'));
  }
  return isJsonObject(planted) ? planted : {};
}

function withoutHashes(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => withoutHashes(item));
  if (!isJsonObject(value)) return value;
  if ('$hash' in value) return 'hash';
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, withoutHashes(member)]),
  );
}
