import assert from 'node:assert/strict';
import test from 'node:test';
import { createPinMemory } from '../fixtures/pin-memory.ts';
import { spec, startCatalogues, tool } from './fixtures/start-catalogues.ts';
import type { PinRecords, PinStore } from './pin-records.ts';

const nothing = { capabilities: {}, instructions: '' };

test('the catalogue of a tenant is the same object until something that it sees changes', async () => {
  const { catalogues, list, changes } = startCatalogues([spec('b'), spec('a')]);
  await list('b', [tool('two'), tool('one')]);
  await list('a', [tool('Z'), tool('a'), tool('b')]);
  const [definitions, relayed] = [
    catalogues.definitions('acme'),
    catalogues.relayCatalogue('acme'),
  ];
  assert.deepEqual(
    definitions.map(({ name }) => name),
    ['a__Z', 'a__a', 'a__b', 'b__one', 'b__two'],
  );
  assert.deepEqual(
    relayed.tools.map(({ name }) => name),
    definitions.map(({ name }) => name),
  );
  const told = changes.length;
  await list('b', [tool('one'), tool('two')]);
  catalogues.setState('b', 'idle');
  assert.equal(catalogues.definitions('acme'), definitions);
  assert.equal(catalogues.relayCatalogue('other'), relayed);
  assert.equal(changes.length, told);

  catalogues.setState('b', 'ready');
  assert.equal(catalogues.definitions('acme'), definitions);
  assert.equal(catalogues.relayCatalogue('acme').tools, relayed.tools);
  assert.deepEqual(
    catalogues.relayCatalogue('acme').servers.map(({ alias, state }) => [alias, state]),
    [
      ['a', 'idle'],
      ['b', 'ready'],
    ],
  );
  await list('b', [tool('one')]);
  assert.deepEqual(changes.at(-1), { type: 'tools', alias: 'b' });
  assert.notEqual(catalogues.definitions('acme'), definitions);
  // What somebody holds never changes.
  assert.equal(definitions.length, 5);
  assert.equal(relayed.tools.length, 5);
});

test('a tenant sees the servers that are for everybody and those that name it', async () => {
  const { catalogues, list, offered } = startCatalogues([
    spec('all'),
    spec('one', { tenants: ['acme'] }),
    spec('two', { tenants: ['acme', 'beta'] }),
    spec('none', { tenants: [] }),
  ]);
  for (const alias of ['all', 'one', 'two', 'none']) await list(alias, [tool('x')]); // oxlint-disable-line no-await-in-loop
  assert.deepEqual(offered('acme'), ['all__x', 'one__x', 'two__x']);
  assert.deepEqual(offered('beta'), ['all__x', 'two__x']);
  assert.deepEqual(offered('constructor'), ['all__x']);
  assert.equal(catalogues.relayCatalogue('gamma'), catalogues.relayCatalogue('delta'));
  assert.deepEqual(
    catalogues.relayCatalogue('beta').servers.map(({ alias }) => alias),
    ['all', 'two'],
  );
  assert.equal(catalogues.toolFor('acme', 'one__x').definition.server, 'one');
  // The same as for one that is not there at all.
  const absent = { code: 'mcp_tool_not_found', message: 'no such tool' };
  assert.throws(() => catalogues.toolFor('beta', 'one__x'), {
    ...absent,
    facts: { tool: 'one__x' },
  });
  assert.throws(() => catalogues.toolFor('beta', 'one__y'), {
    ...absent,
    facts: { tool: 'one__y' },
  });
  await list('one', [tool('x', { title: 'other' })]);
  assert.throws(() => catalogues.toolFor('beta', 'one__x'), {
    ...absent,
    facts: { tool: 'one__x' },
  });
  assert.deepEqual(
    catalogues.pins.list('beta').map(({ name }) => name),
    ['all__x', 'two__x'],
  );
  assert.deepEqual(
    catalogues.pins.sets('beta').map(({ alias }) => alias),
    ['all', 'two'],
  );
});

test('what a tool does is what the operator says, whatever its annotations and its name say', async () => {
  const annotations = { readOnlyHint: true, idempotentHint: true, destructiveHint: false };
  const { catalogues, list } = startCatalogues([
    spec('a', {
      effects: { known: 'none' },
      integrity: { known: 'trusted' },
      decisionArguments: { known: ['to'], '*': ['path'] },
      egress: { known: false },
      confidentiality: { known: 'secret' },
      clearance: { known: 'public' },
      summedArguments: { known: ['amount'] },
      references: { known: { to: { field: 'id', namedBy: 'name' } } },
    }),
  ]);
  await list(
    'a',
    ['known', 'unknown', 'constructor'].map((name) => tool(name, { annotations })),
  );
  const [, known, unknown] = catalogues.definitions('acme');
  const { egress, confidentiality, clearance, summedArguments, references } = known ?? {};
  assert.deepEqual(
    [egress, confidentiality, clearance, summedArguments, references],
    [false, 'secret', 'public', ['amount'], { to: { field: 'id', namedBy: 'name' } }],
  );
  // What was not declared is absent, which stands for the safe side.
  for (const name of ['egress', 'confidentiality', 'clearance', 'summedArguments', 'references']) {
    assert.ok(!Object.hasOwn(unknown ?? {}, name), name);
  }
  assert.deepEqual(
    catalogues
      .definitions('acme')
      .map(({ serverTool, effect, integrity, decisionArguments }) => [
        serverTool,
        effect,
        integrity,
        decisionArguments,
      ]),
    [
      ['constructor', 'irreversible', 'untrusted', ['path']],
      ['known', 'none', 'trusted', ['to']],
      ['unknown', 'irreversible', 'untrusted', ['path']],
    ],
  );
  const [relayed] = catalogues.relayCatalogue('acme').tools;
  assert.equal(relayed?.effect, 'irreversible');
  assert.deepEqual(relayed.listed['annotations'], annotations);
});

test('abuse A16: what cannot be seen reaches neither a model nor a façade', async () => {
  const { catalogues } = startCatalogues([spec('a')]);
  const escape = String.fromCodePoint(0x1b);
  const hidden = `Reads.\u200B${escape}[8m\u202E\u{E0049}\u{E0067} Done.`;
  const properties = { path: { type: 'string', title: hidden, enum: ['x\u2060'] } };
  const inputSchema = { type: 'object', properties };
  await catalogues.update(
    'a',
    {
      tools: [tool('read', { title: hidden, description: hidden, inputSchema })],
      prompts: [{ name: 'p', description: hidden }, { name: 'hidden\u200B' }],
      resources: [{ uri: 'x://y', name: hidden }],
      resourceTemplates: [{ uriTemplate: 'x://{y}', name: hidden }],
    },
    { capabilities: { logging: {}, experimental: { x: hidden } }, instructions: hidden },
  );
  const [definition] = catalogues.definitions('acme');
  assert.equal(definition?.description, 'Reads. Done.');
  const { tools, prompts, resources, resourceTemplates, servers } =
    catalogues.relayCatalogue('acme');
  assert.equal(servers[0]?.instructions, 'Reads. Done.');
  assert.deepEqual(
    prompts.map(({ listed }) => listed),
    [{ name: 'p', description: 'Reads. Done.' }],
  );
  const shown = JSON.stringify([definition, tools, resources, resourceTemplates, servers]);
  assert.doesNotMatch(shown, /\\u001b|[\u200B\u2060\u202E\u{E0000}-\u{E007F}]/u);
  const pins = catalogues.pins.list();
  assert.deepEqual(
    pins.map(({ tool: name, warnings }) => [name, warnings.length]),
    [
      ['(instructions)', 4],
      ['(prompt) p', 4],
      ['(resource template) x://{y}', 4],
      ['read', 13],
    ],
  );
});

test('a tool whose schema cannot be used is left out with its reason, the others stay', async () => {
  const { catalogues, list, offered, messages } = startCatalogues([spec('a')]);
  const remote = { type: 'object', properties: { x: { $ref: 'https://example.com/x' } } };
  await list('a', [
    tool('good', {
      inputSchema: { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' },
      outputSchema: { type: 'array', items: { type: 'integer' } },
    }),
    tool('remote', { inputSchema: remote }),
    tool('remote-output', { outputSchema: remote }),
    tool('strange-output', { outputSchema: 7 }),
    tool('list', { inputSchema: { type: 'array' } }),
    tool('hidden', { inputSchema: { type: 'object', properties: { 'x\u200B': {} } } }),
    tool('twice'),
    tool('twice', { title: 'other' }),
  ]);
  assert.deepEqual(offered(), ['a__good', 'a__remote-output', 'a__strange-output']);
  const ref = 'schema: properties.x.$ref leads out of the schema; put what it names under $defs';
  assert.deepEqual(messages, [
    'a: "twice" is left out: it is listed twice, with different definitions',
    'a: a__hidden is left out: the name of one of its members has hidden characters',
    'a: a__list is left out: its input schema is not one of an object',
    `a: a__remote is left out: ${ref}`,
    `a: a__remote-output: its results are not checked: output ${ref}`,
    'a: a__strange-output: its results are not checked: output schema is not an object',
    'a: its first list is approved as it is: 6 definitions',
    'a: a__hidden: inputSchema.properties.x: has characters of no width',
  ]);
  assert.equal(catalogues.pins.list().find(({ tool: name }) => name === 'remote')?.problem, ref);
  await list('a', [tool('good'), tool('remote', { inputSchema: remote })]);
  assert.equal(messages.length, 8);
  // Schemas that nobody answers for are not even looked at.
  const cautious = startCatalogues([spec('a', { pinning: 'approve' })]);
  await cautious.list('a', [tool('remote', { inputSchema: remote })]);
  const [pin] = cautious.catalogues.pins.list();
  assert.equal(pin?.problem, undefined);
  const tools = [{ tool: 'remote', digest: pin?.digest ?? '' }];
  const [approved] = await cautious.catalogues.pins.approve({ alias: 'a', by: 'olga', tools });
  assert.equal(approved?.problem, ref);
  assert.deepEqual(cautious.offered(), []);
  const denying = startCatalogues([spec('a', { outputSchema: 'deny' })]);
  await denying.list('a', [tool('good'), tool('remote-output', { outputSchema: remote })]);
  assert.deepEqual(denying.offered(), ['a__good']);
});

test('a result is held to the output schema of its tool, which may be one of any value', async () => {
  const { catalogues, list } = startCatalogues([spec('a')]);
  await list('a', [
    tool('numbers', { outputSchema: { type: 'array', items: { type: 'integer' } } }),
    tool('free'),
  ]);
  const check = catalogues.tool('a__numbers')?.checkOutput;
  assert.deepEqual(check?.({ content: [], structuredContent: [1, 2] }), []);
  assert.equal(check?.({ content: [], structuredContent: [1, 'x'] }).length, 1);
  assert.deepEqual(check?.({ content: [] }), [
    { field: 'structuredContent', description: 'is missing' },
  ]);
  assert.deepEqual(check?.({ content: [], isError: true }), []);
  assert.deepEqual(catalogues.tool('a__free')?.checkOutput({ structuredContent: 'x' }), []);
});

test('only the tools that the operator names are taken, and nobody hears of the others', async () => {
  const { catalogues, list, offered, drifts } = startCatalogues([
    spec('a', { tools: ['read', 'constructor'] }),
  ]);
  await list('a', [tool('read'), tool('write')]);
  await list('a', [tool('read'), tool('write', { title: 'new' }), tool('more')]);
  assert.deepEqual(offered(), ['a__read']);
  assert.equal(catalogues.quarantined('a'), 0);
  assert.deepEqual(drifts, []);
  assert.throws(() => catalogues.toolFor('acme', 'a__write'), { facts: { tool: 'a__write' } });
});

test('a server that was never reached has the tools that it listed last, if they are approved', async () => {
  const pinStore = createPinMemory();
  const lazy = spec('a', { start: 'lazy' });
  const before = startCatalogues([lazy], pinStore);
  const tools = [tool('read'), tool('write'), tool('gone')];
  await before.catalogues.update('a', { tools }, { capabilities: {}, instructions: 'Be kind.' });
  await before.catalogues.update(
    'a',
    { tools: [tool('read'), tool('write', { title: 'new' }), tool('new')] },
    { capabilities: {}, instructions: 'Be kind.' },
  );
  assert.equal(before.drifts.length, 2);

  const after = startCatalogues([lazy, spec('b')], pinStore);
  assert.deepEqual(after.offered(), []);
  await after.catalogues.loaded();
  assert.deepEqual(after.offered(), ['a__read']);
  assert.equal(after.catalogues.relayCatalogue('acme').servers[0]?.instructions, 'Be kind.');
  assert.equal(after.catalogues.quarantined('a'), 2);
  assert.deepEqual(after.catalogues.pins.list(), before.catalogues.pins.list());
  assert.deepEqual(after.changes, [{ type: 'tools', alias: 'a' }]);
  // What was told before the restart is not told again.
  await after.list('a', [tool('read'), tool('write', { title: 'new' }), tool('new')]);
  assert.deepEqual(after.drifts, []);
  await after.list('a', [tool('write'), tool('gone')]);
  assert.deepEqual(after.offered(), ['a__gone', 'a__write']);
});

test('with a list that comes before the pins are read, nothing is offered until they are', async () => {
  const pinStore = createPinMemory();
  await startCatalogues([spec('a')], pinStore).list('a', [tool('read')]);
  const loading = Promise.withResolvers<PinRecords>();
  const slow = { ...pinStore, load: () => loading.promise };
  const { list, offered } = startCatalogues([spec('a')], slow);
  const settled = list('a', [tool('read'), tool('new')]);
  assert.deepEqual(offered(), []);
  loading.resolve(await pinStore.load());
  await settled;
  assert.deepEqual(offered(), ['a__read']);
});

test('what cannot be saved did not happen', async () => {
  const kept = createPinMemory();
  let isBroken = true;
  const pinStore: PinStore = {
    load: () => kept.load(),
    save: async (records) => {
      if (isBroken) throw new Error('disk full');
      await kept.save(records);
    },
  };
  const { catalogues, list, offered, messages } = startCatalogues([spec('a')], pinStore);
  await list('a', [tool('read')]);
  assert.deepEqual(offered(), []);
  assert.deepEqual(messages, [
    'a: what is new in its list is held back: HostError: pins: they cannot be saved',
  ]);
  const [set] = catalogues.pins.sets();
  const approval = { alias: 'a', by: 'olga', setDigest: set?.setDigest ?? '' };
  await assert.rejects(catalogues.pins.approve(approval), { code: 'internal' });
  assert.deepEqual(offered(), []);
  isBroken = false;
  await list('a', [tool('read')]);
  assert.deepEqual(offered(), ['a__read']);
  isBroken = true;
  // Holding back does not wait for the disk.
  await list('a', [tool('read', { title: 'new' })]);
  assert.deepEqual(offered(), []);
  await list('a', [tool('read')]);
  assert.deepEqual(offered(), ['a__read']);
});

test('lists that come while others are looked at share one round, and the last one counts', async () => {
  let saves = 0;
  const kept = createPinMemory();
  const counting: PinStore = {
    load: () => kept.load(),
    save: async (records) => {
      saves += 1;
      await kept.save(records);
    },
  };
  const { list, offered, drifts } = startCatalogues([spec('a')], counting);
  const lists = Array.from({ length: 50 }, (_, index) =>
    list('a', [tool('read', { title: `${index}` })]),
  );
  await Promise.all([...lists, list('a', [tool('last')])]);
  assert.ok(saves <= 3, `${saves} saves`);
  assert.ok(drifts.length <= 2, `${drifts.length} drifts`);
  assert.deepEqual(offered(), ['a__last']);
});

test('prompts, resources and templates are offered once each, in order, and stay when absent', async () => {
  const { catalogues, changes, messages } = startCatalogues([spec('a')]);
  await catalogues.update(
    'a',
    {
      tools: [],
      prompts: [
        { name: 'b' },
        { name: 'a', arguments: [{ name: 'x' }] },
        { name: 'b', title: '2' },
      ],
      resources: [{ uri: 'x://2', name: 'two' }, { uri: 'x://1' }, { name: 'no address' }],
      resourceTemplates: [{ uriTemplate: 'x://{id}' }],
    },
    nothing,
  );
  const first = catalogues.relayCatalogue('acme');
  assert.deepEqual(first.prompts, [
    { alias: 'a', listed: { name: 'a', arguments: [{ name: 'x' }] } },
    { alias: 'a', listed: { name: 'b' } },
  ]);
  assert.deepEqual(
    first.resources.map(({ listed }) => listed['uri']),
    ['x://1', 'x://2'],
  );
  assert.deepEqual(changes, [
    { type: 'resources', alias: 'a' },
    // What has pins is offered when they are written down.
    { type: 'prompts', alias: 'a' },
    { type: 'resources', alias: 'a' },
  ]);
  assert.equal(messages.length, 3);
  await catalogues.update('a', { prompts: [] }, nothing);
  const second = catalogues.relayCatalogue('acme');
  assert.deepEqual(second.prompts, []);
  assert.equal(second.resources, first.resources);
  assert.deepEqual(changes.slice(3), [{ type: 'prompts', alias: 'a' }]);
});

test('there is an end to what one server lists', async () => {
  const { catalogues, messages } = startCatalogues([spec('a')]);
  const resources = Array.from({ length: 3_000 }, (_, index) => ({ uri: `x://${index}` }));
  await catalogues.update('a', { resources }, nothing);
  assert.equal(catalogues.relayCatalogue('acme').resources.length, 2_048);
  assert.equal(messages.length, 1);
});
