import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import type { JsonObject } from '@modelhost/kernel';
import { spec, startCatalogues, tool } from './fixtures/start-catalogues.ts';
import type { Catalogues } from './catalogues.ts';

function schema(properties: Readonly<Record<string, JsonObject>>): JsonObject {
  return { type: 'object', properties };
}

const tools = [
  tool('read_text_file', {
    description: 'Read the complete contents of a file as text',
    inputSchema: schema({ path: { type: 'string' }, head: { description: 'First lines only' } }),
  }),
  tool('writeFile', {
    description: 'Create or overwrite a file',
    inputSchema: schema({ path: { type: 'string' }, content: { type: 'string' } }),
  }),
  tool('list_directory', { description: 'List the entries of a directory' }),
  tool('browser_take_screenshot', { description: 'Take a picture of the current page' }),
  tool('add', { title: 'Sum of two numbers', description: 'Adds', inputSchema: schema({ a: {} }) }),
  tool('book', {
    description: 'Reserve',
    inputSchema: schema({
      stay: schema({ hotel: { description: 'Where to sleep' } }),
      guests: { type: 'array', items: schema({ passport: {} }) },
    }),
  }),
];

async function start(): Promise<Catalogues> {
  const { catalogues, list } = startCatalogues([spec('a'), spec('b')]);
  await list('a', tools);
  return catalogues;
}

test('tools are found by their name, title, description and arguments', async () => {
  const catalogues = await start();
  const names = catalogues.definitions('acme').map(({ name }) => name);
  const best = (query: string): string | undefined =>
    catalogues.search(query, names, 3)[0]?.tool.serverTool;
  assert.equal(best('read a file'), 'read_text_file');
  assert.equal(best('WRITE FILE'), 'writeFile');
  assert.equal(best('overwrite'), 'writeFile');
  assert.equal(best('screenshots'), 'browser_take_screenshot');
  assert.equal(best('directories'), 'list_directory');
  assert.equal(best('sum'), 'add');
  assert.equal(best('hotel'), 'book');
  assert.equal(best('passport'), 'book');
  assert.equal(best('first lines'), 'read_text_file');
  assert.equal(best('quantum'), undefined);
  assert.equal(best(''), undefined);
});

test('only the named tools are found, at most as many as are wanted, and only approved ones', async () => {
  const catalogues = await start();
  const only = ['a__writeFile', 'a__nothing'];
  assert.deepEqual(
    catalogues.search('file', only, 5).map(({ tool: found }) => found.name),
    ['a__writeFile'],
  );
  const names = catalogues.definitions('acme').map(({ name }) => name);
  assert.equal(catalogues.search('file directory page', names, 2).length, 2);
  assert.deepEqual(catalogues.search('file', names, 0), []);
  await catalogues.update(
    'a',
    { tools: [...tools.slice(1), tool('delete_file')] },
    { capabilities: {}, instructions: '' },
  );
  const all = [...names, 'a__delete_file'];
  assert.deepEqual(
    catalogues.search('file', all, 5).map(({ tool: found }) => found.name),
    ['a__writeFile'],
  );
});

test('equally good tools come by name, whatever order they are listed in', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { minLength: 2, maxLength: 8 }),
      async (names) => {
        const [one, other] = [startCatalogues([spec('a')]), startCatalogues([spec('a')])];
        const same = names.map((name) => tool(name, { description: 'Finds needles' }));
        await one.list('a', same);
        await other.list('a', same.toReversed());
        const found = one.catalogues.search('needle', one.offered(), 50);
        assert.deepEqual(other.catalogues.search('needle', one.offered().toReversed(), 50), found);
        const ranked = found.map(({ score, tool: { name } }) => ({ score, name }));
        const sorted = ranked.toSorted(
          (left, right) => right.score - left.score || (left.name < right.name ? -1 : 1),
        );
        assert.deepEqual(ranked, sorted);
        assert.equal(found.length, names.length);
      },
    ),
    { numRuns: 20 },
  );
});

test('a query of any text and length is answered', async () => {
  const catalogues = await start();
  const names = catalogues.definitions('acme').map(({ name }) => name);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (query) => {
      const found = catalogues.search(query, names, 3);
      assert.ok(found.length <= 3);
      assert.deepEqual(catalogues.search(query, names, 3), found);
    }),
    { numRuns: 50 },
  );
  for (const query of ['file '.repeat(100_000), 'f'.repeat(100_000), '\u0301'.repeat(100_000)]) {
    assert.ok(catalogues.search(query, names, 3).length <= 3);
  }
});
