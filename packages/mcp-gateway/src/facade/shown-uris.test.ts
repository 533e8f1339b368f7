import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createBareUris, createPrefixedUris } from './shown-uris.ts';

const aliases = ['files', 'git', 'a', 'git-2'];
const alias = fc.constantFrom(...aliases);
const uri = fc.oneof(
  fc.constantFrom('file:///a', 'ui://app', 'ui://git+app', 'git+file:///a', 'git+ssh://x', '', '+'),
  fc.string({ maxLength: 40 }),
);
const uris = createPrefixedUris(new Set(aliases));

test('a prefixed URI leads back to one server and the very URI it has there', () => {
  fc.assert(
    fc.property(alias, uri, (of, own) => {
      assert.deepEqual(uris.find(uris.show(of, own)), { alias: of, uri: own });
    }),
  );
});

test('whatever text comes as a URI, it leads nowhere or is the way that resource is written', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        uri,
        fc.tuple(alias, uri).map(([of, own]) => `${of}+${own}`),
      ),
      (text) => {
        const address = uris.find(text);
        if (address === undefined) return;
        assert.equal(uris.show(address.alias, address.uri), text);
        assert.ok(aliases.includes(address.alias));
      },
    ),
  );
  for (const text of ['file:///a', 'other+file:///a', 'ui://app', 'files+', 'files+ui://app']) {
    assert.equal(uris.find(text)?.uri, text === 'files+' ? '' : undefined);
  }
});

test('apps keep their scheme in front', () => {
  assert.equal(uris.show('git', 'ui://log/view'), 'ui://git+log/view');
});

test('URIs in results are those of the view', () => {
  const link = { type: 'resource_link', uri: 'file:///a', name: 'a' };
  const embedded = { type: 'resource', resource: { uri: 'file:///b', text: 'b' } };
  const text = { type: 'text', text: 'file:///c' };
  assert.deepEqual(uris.showResult('files', 'tools/call', { content: [link, embedded, text] }), {
    content: [
      { ...link, uri: 'files+file:///a' },
      { type: 'resource', resource: { uri: 'files+file:///b', text: 'b' } },
      text,
    ],
  });
  assert.deepEqual(
    uris.showResult('files', 'prompts/get', { messages: [{ role: 'user', content: embedded }] }),
    {
      messages: [
        {
          role: 'user',
          content: { type: 'resource', resource: { uri: 'files+file:///b', text: 'b' } },
        },
      ],
    },
  );
  assert.deepEqual(
    uris.showResult('files', 'resources/read', { contents: [{ uri: 'file:///a', text: '' }] }),
    { contents: [{ uri: 'files+file:///a', text: '' }] },
  );
});

test('a result without URIs is not copied, and what is no result of MCP is left alone', () => {
  const plain = { content: [{ type: 'text', text: 'x' }] };
  assert.equal(uris.showResult('files', 'tools/call', plain), plain);
  for (const content of [null, 'x', 7, [null, 'x'], [{ type: 'resource', resource: 'x' }]]) {
    assert.deepEqual(uris.showResult('files', 'tools/call', { content }), { content });
  }
});

test('the app of a tool is shown under the view, in both ways of writing it', () => {
  const listed = {
    name: 'a',
    _meta: { ui: { resourceUri: 'ui://a', csp: {} }, 'ui/resourceUri': 'ui://a' },
  };
  assert.deepEqual(uris.showListed('git', listed), {
    name: 'a',
    _meta: { ui: { resourceUri: 'ui://git+a', csp: {} }, 'ui/resourceUri': 'ui://git+a' },
  });
});

/** Two servers without prefixes. */
function bareOf(templates: readonly string[]): ReturnType<typeof createBareUris> {
  const server = { capabilities: {}, instructions: '', state: 'ready' };
  return createBareUris({
    servers: [
      { alias: 'a', ...server },
      { alias: 'b', ...server },
    ],
    tools: [],
    prompts: [],
    resources: [
      { alias: 'a', listed: { uri: 'test://both' } },
      { alias: 'b', listed: { uri: 'test://both' } },
      { alias: 'a', listed: { uri: 'b+x' } },
    ],
    resourceTemplates: templates.map((uriTemplate) => ({ alias: 'b', listed: { uriTemplate } })),
  });
}

test('without prefixes a URI stays as it is where it leads back, and is prefixed where it would not', () => {
  const bare = bareOf(['test://{id}/data', 'test://fixed']);
  const stays = [
    ['a', 'test://both'],
    ['b', 'test://7/data'],
    ['b', 'test://fixed'],
  ] as const;
  for (const [of, own] of stays) assert.equal(bare.show(of, own), own);
  const cannotStay = [
    ['b', 'test://both'],
    ['a', 'test://7/data'],
    ['a', 'result://1'],
    ['b', 'a+test://both'],
  ] as const;
  for (const [of, own] of cannotStay) assert.equal(bare.show(of, own), `${of}+${own}`);
  for (const [of, own] of [...stays, ...cannotStay]) {
    assert.deepEqual(bare.find(bare.show(of, own)), { alias: of, uri: own });
  }
  for (const unknown of ['test://fixed/more', 'test://7/other', 'result://1']) {
    assert.equal(bare.find(unknown), undefined);
  }
  const link = { type: 'resource_link', uri: 'result://1', name: 'whole' };
  assert.deepEqual(bare.showResult('b', 'tools/call', { content: [link] }), {
    content: [{ ...link, uri: 'b+result://1' }],
  });
});

test('whatever the URI, and whoever has it, it leads back without prefixes too', () => {
  const bare = bareOf(['test://{id}/data', 'git+{+path}']);
  const own = fc.oneof(
    fc.constantFrom(
      'test://both',
      'a+test://both',
      'b+x',
      'x',
      'git+x',
      'test://a/data',
      'ui://a+x',
    ),
    fc.string({ maxLength: 20 }),
  );
  fc.assert(
    fc.property(fc.constantFrom('a', 'b'), own, (of, text) => {
      assert.deepEqual(bare.find(bare.show(of, text)), { alias: of, uri: text });
    }),
  );
});

test('with one server every URI is its own', () => {
  const one = createBareUris({
    servers: [{ alias: 'a', capabilities: {}, instructions: '', state: 'ready' }],
    tools: [],
    prompts: [],
    resources: [],
    resourceTemplates: [],
  });
  assert.deepEqual(one.find('b+test://x'), { alias: 'a', uri: 'b+test://x' });
  const result = { contents: [{ uri: 'test://x', text: '' }] };
  assert.equal(one.showResult('a', 'resources/read', result), result);
});

test('abuse A12: templates that are slow to match as patterns are not', () => {
  const template = `test://${'{a}x'.repeat(400)}y`;
  const bare = bareOf([template]);
  let steps = 0;
  const text = `test://${'x'.repeat(100_000)}`;
  // A matcher that goes back would not come to the end of this within the life of the test.
  for (let round = 0; round < 100; round += 1) {
    assert.equal(bare.find(text), undefined);
    steps += 1;
  }
  assert.equal(steps, 100);
});
