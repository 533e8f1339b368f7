import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject, ToolDefinition } from '@modelhost/kernel';
import { answer, evidenceOf, listing, originsOf, toolWith } from './fixtures/texts.ts';

const prompt = (text: string) => ({ prompt: [text] });

test('a value has the best origin that it was found with, and says where', () => {
  const texts = {
    prompt: ['Write to bob@x.org'],
    trusted: [{ source: 'instructions', text: 'The desk is desk@x.org.' }],
    untrusted: [{ source: 'turn-1/tool-1', text: 'bob@x.org, desk@x.org, eve@x.org' }],
  };
  const to = ['Bob@X.org', 'desk@x.org', 'eve@x.org', 'sue@x.org'];
  assert.deepEqual(evidenceOf({ to }, texts).values, [
    { path: 'to[0]', origin: 'prompt', sources: ['prompt'] },
    { path: 'to[1]', origin: 'trusted', sources: ['instructions'] },
    { path: 'to[2]', origin: 'untrusted', sources: ['turn-1/tool-1'] },
    { path: 'to[3]', origin: 'model', sources: [] },
  ]);
});

test('a value is found as a whole word only', () => {
  const texts = prompt('Write to bob@x.org.uk, not-bob and bobby, see https://a.example/bob');
  assert.deepEqual(originsOf({ to: ['bob@x.org', 'bob', 'a.example'] }, texts), [
    'model',
    'model',
    'model',
  ]);
  assert.deepEqual(originsOf({ to: ['bob'] }, prompt('“Bob”, please.')), ['prompt']);
});

test('a full stop without a space behind it does not hide an address', () => {
  assert.deepEqual(originsOf({ to: 'www.a.com' }, prompt('Post it on www.a.com.They asked.')), [
    'prompt',
  ]);
  assert.deepEqual(originsOf({ to: 'www.a.com' }, prompt('Post it on www.a.com.tw')), ['model']);
});

test('for what cannot be undone a word in passing is no name', () => {
  const origins = (to: string, text: string, effect: ToolDefinition['effect'] = 'irreversible') =>
    originsOf({ to }, prompt(text), toolWith({ effect }))[0];
  assert.equal(origins('please', 'Please pay the bill to Anna, please.'), 'model');
  assert.equal(origins('pay the', 'Please pay the bill.'), 'model');
  assert.equal(origins('the bill', 'Please pay the bill.', 'reversible'), 'prompt');
  assert.equal(origins('anna', 'Please pay the bill to Anna.'), 'prompt');
  assert.equal(origins('general', "Post it in 'general'."), 'prompt');
  assert.equal(origins('general', 'Post it in the general channel.'), 'model');
  assert.equal(origins('new york', 'She is in New York.'), 'prompt');
  assert.equal(origins('bob@x.org', 'mail bob@x.org'), 'prompt');
  assert.equal(origins('pier 39', 'meet at pier 39'), 'model');
  assert.equal(origins('Pier 39', 'meet at Pier 39'), 'prompt');
  assert.equal(origins('plan.docx', 'delete plan.docx'), 'prompt');
  assert.equal(origins('2024-05-15', 'on May 15th'), 'prompt');
});

test('a short number counts next to a cue only, a short text never', () => {
  const origins = (value: number | string, text: string) =>
    originsOf({ amount: value }, prompt(text))[0];
  assert.equal(origins('13', 'the file with ID 13'), 'prompt');
  assert.equal(origins('13', 'on the 13 of May'), 'model');
  assert.equal(origins(12, 'pay $12.00 back'), 'prompt');
  assert.equal(origins(12, '12 euros'), 'prompt');
  assert.equal(origins(12, 'in room 12'), 'model');
  assert.equal(origins('al', 'to al'), 'model');
});

test('a number is found in the spellings that can mean nothing else', () => {
  const origins = (value: number, text: string) => originsOf({ amount: value }, prompt(text))[0];
  assert.equal(origins(2200, 'rent is 2,200.00 now'), 'prompt');
  assert.equal(origins(1234567, '1 234 567 in all'), 'prompt');
  assert.equal(origins(2200, 'account 22001'), 'model');
  assert.equal(origins(2200, 'X2200'), 'model');
  assert.equal(origins(1.25, 'amount 1,25'), 'model');
  assert.equal(origins(-2200, 'rent is 2200'), 'model');
});

test('a day and a time are found in spellings that name the month', () => {
  const origins = (value: string, text: string) => originsOf({ to: value }, prompt(text))[0];
  assert.equal(origins('2024-05-15 10:00', 'on May 15th at 10 am'), 'prompt');
  assert.equal(origins('2024-05-15T22:00', '15 May 2024, 10 pm'), 'prompt');
  assert.equal(origins('2024-05-15 10:00', 'to 2024-05-15 at 10:00.'), 'prompt');
  assert.equal(origins('2024-05-15', 'the 15th of May'), 'prompt');
  assert.equal(origins('2024-05-15', 'May 15th, 2023'), 'model');
  assert.equal(origins('2024-05-15', '05/15/2024'), 'model');
  assert.equal(origins('2024-05-15 10:00', 'on May 15th at 11 am'), 'model');
});

test('what the schema lists, true and false need no evidence, but a call that acts has to have something that does', () => {
  const inputSchema = {
    properties: { to: { anyOf: [{ enum: ['draft', 'final'] }, { type: 'null' }] } },
  };
  const tool = toolWith({ inputSchema, decisionArguments: ['to', 'amount', 'other'] });
  const asked = { ...prompt('It costs 1200.'), trusted: [] };
  const chosen = { to: 'draft', other: null };
  assert.deepEqual(originsOf({ ...chosen, amount: 1200 }, asked, tool), ['prompt']);
  assert.deepEqual(evidenceOf({ ...chosen, amount: true }, asked, tool).values, [
    { path: '', origin: 'model', sources: [] },
  ]);
  const reading = { ...tool, effect: 'none', egress: false } as const;
  assert.deepEqual(originsOf(chosen, asked, reading), []);
  assert.deepEqual(originsOf({ to: 'sent' }, {}, tool), ['model']);
});

test('decision arguments are named by their path, and all within them counts', () => {
  const values = { items: [{ ref: { a: 'one-1', b: 'two-2' }, note: 'free' }] };
  assert.deepEqual(
    evidenceOf(values, {}).values.map(({ path }) => path),
    // The members are not in the schema, so that their names are values too.
    ['items[0].ref.a', 'items[0].ref', 'items[0].ref.b', 'items[0].ref'],
  );
});

test('a name of a member decides like a value, unless the schema gives it', () => {
  const inputSchema = {
    properties: { to: { properties: { owner: { type: 'string' } } }, body: {} },
  };
  const tool = toolWith({ inputSchema });
  const texts = prompt('Share it with bob@x.org.');
  const shared = { to: { 'bob@x.org': true, 'eve@x.org': true } };
  assert.deepEqual(originsOf(shared, texts, tool), ['prompt', 'model']);
  assert.deepEqual(originsOf({ to: { owner: 'bob@x.org' } }, texts, tool), ['prompt']);
  const toBob = { to: { owner: 'bob@x.org' }, body: { 'eve@x.org': 1 } };
  assert.deepEqual(originsOf(toBob, texts, tool), ['prompt', 'model']);
});

test('an address in any text that may leave the house decides too', () => {
  const body =
    'See https://evil.example/x?d=1, mail eve@evil.example, pay GB29 NWBK 6016 1331 9268 19, card 4111-1111-1111-1111, bit.ly/a1, evil.com.';
  const known = prompt('Tell bob@x.org. IBAN GB29NWBK60161331926819 and 4111 1111 1111 1111');
  const origins = (text: number | string, tool?: ToolDefinition) =>
    originsOf({ to: 'bob@x.org', body: text }, known, tool).slice(1);
  assert.deepEqual(origins(body), ['model', 'model', 'model', 'model', 'prompt', 'prompt']);
  assert.deepEqual(origins(4_222_222_222_222), ['model']);
  assert.deepEqual(origins(body, toolWith({ egress: false })), []);
  assert.deepEqual(
    origins('Plain words, file.txt, e.g. this.And that, 12:30, a/b, 4111-1111-1111-1112 @ 5 pm.'),
    [],
  );
  assert.deepEqual(origins('GB29-NWBK 6016 1331 9268 19, 4111111111111111'), ['prompt', 'prompt']);
});

test('a placeholder decides like what it may stand for, and is found as a whole only', () => {
  const known = prompt('Write to [EMAIL_1:7f3a], not [EMAIL_12:7f3a].');
  assert.deepEqual(originsOf({ to: ['[EMAIL_1:7f3a]', '[EMAIL_2:7f3a]'] }, known), [
    'prompt',
    'model',
  ]);
  const body = 'Also for [EMAIL_1:7f3a] and [CARD_3:0a0b].';
  assert.deepEqual(originsOf({ to: '[EMAIL_1:7f3a]', body }, known), ['prompt', 'prompt', 'model']);
});

test('what a trusted answer only repeats from its call says nothing', () => {
  const call = { tool: listing, arguments: { query: 'eve@evil.example' } };
  const repeated = { trusted: [answer('no entry for eve@evil.example', call)] };
  assert.deepEqual(originsOf({ to: 'eve@evil.example' }, repeated), ['untrusted']);
});

test('the id of the one thing that the user named is endorsed', () => {
  const files = [
    { id: 3, name: 'plan.docx' },
    { id: 23, name: 'old-plan.docx' },
  ];
  const named = prompt("Add it to 'plan.docx'.");
  const texts = { ...named, untrusted: [answer(JSON.stringify({ files }))] };
  assert.deepEqual(evidenceOf({ file_id: '3' }, texts).values, [
    { path: 'file_id', origin: 'reference', sources: ['turn-1/tool-1'] },
  ]);
  assert.deepEqual(originsOf({ file_id: 23 }, texts), ['untrusted']);
  assert.deepEqual(originsOf({ file_id: 3 }, { ...texts, ...prompt('Add it.') }), ['untrusted']);
});

test('a second thing of that name, an answer that cannot be read or one of another server takes the reference away', () => {
  const listed = answer('- name: plan.docx\n  id: 3\n');
  const named = prompt('Add it to plan.docx.');
  const origins = (...untrusted: ReturnType<typeof answer>[]) =>
    originsOf({ file_id: 3 }, { ...named, untrusted })[0];
  assert.equal(origins(listed), 'reference');
  assert.equal(origins(listed, listed), 'reference');
  assert.equal(origins(listed, answer('- name: PLAN.docx\n  id: 4\n')), 'untrusted');
  assert.equal(origins(listed, answer('- name: other\n  id: [3\n')), 'untrusted');
  const elsewhere = { tool: { ...listing, server: 'drive' }, arguments: {} };
  assert.equal(origins(answer(listed.text, elsewhere)), 'untrusted');
  const tooLong = answer('x'.repeat(200_000), { tool: toolWith() });
  assert.equal(origins(listed, tooLong), 'untrusted');
});

test('a field that only the server writes is trusted for its argument, at its server, as a whole', () => {
  const bookings = toolWith({ name: 'desk__bookings', references: { amount: { field: 'sum' } } });
  const rows = '- note: send 77.5 for 1200\n  sum: 50.0\n- note: rent\n  sum: 1,100\n';
  const texts = { untrusted: [answer(rows, { tool: bookings })] };
  const origins = (values: JsonObject, given = texts) => originsOf(values, given)[0];
  assert.equal(origins({ amount: 50 }), 'trusted');
  assert.equal(origins({ amount: 1200 }), 'untrusted');
  assert.equal(origins({ file_id: '50.0' }), 'untrusted');
  assert.equal(origins({ amount: 1100 }), 'untrusted');
  const other = { ...bookings, server: 'bank' };
  assert.equal(
    origins({ amount: 50 }, { untrusted: [answer(rows, { tool: other })] }),
    'untrusted',
  );

  const channels = toolWith({ name: 'desk__channels', references: { to: { field: '*' } } });
  const listed = { untrusted: [answer('- general\n- out write to eve\n', { tool: channels })] };
  assert.equal(origins({ to: 'general' }, listed), 'trusted');
  assert.equal(origins({ to: 'eve' }, listed), 'untrusted');
});

test('of two things that the user named, or of which one has the name of the other in its own, none is meant', () => {
  const listed = '- name: Lunch\n  id: 3\n- name: Lunch with Sarah\n  id: 4\n';
  const origins = (text: string, list = listed) =>
    ['3', '4'].map(
      (id) => originsOf({ file_id: id }, { ...prompt(text), untrusted: [answer(list)] })[0],
    );
  const none = ['untrusted', 'untrusted'];
  assert.deepEqual(origins('Move Lunch with Sarah.'), none);
  assert.deepEqual(origins("Move 'Lunch with Sarah'."), none);
  assert.deepEqual(origins('Move Lunch.'), ['reference', 'untrusted']);
  assert.deepEqual(
    origins('Move Lunch to Friday.', '- name: Lunch\n  id: 3\n- name: Friday\n  id: 4'),
    none,
  );
});

test('a form of the user is filled with what is trusted only', () => {
  const texts = {
    ...prompt("Add an event. The title should be 'Dinner at {restaurant_name}'."),
    trusted: [{ source: 'turn-1/tool-1', text: 'Restaurants: Miznon, The Yard' }],
    untrusted: [{ source: 'turn-1/tool-2', text: 'Come to Evil Grill!' }],
  };
  const origins = (to: string) => originsOf({ to }, texts)[0];
  assert.equal(origins('Dinner at Miznon'), 'reference');
  assert.equal(origins('Dinner at Evil Grill'), 'model');
  assert.equal(origins('Lunch at Miznon'), 'model');
});

test('a link of a source that the user spelled out may be read once, and only by what changes nothing', () => {
  const reader = toolWith({ effect: 'none', decisionArguments: ['url'] });
  const source = { tool: listing, arguments: { channel: 'general' } };
  const untrusted = [answer('Look at https://news.example/1 today', source)];
  const texts = { ...prompt("Sum up the links in 'general'."), untrusted };
  const link = { url: 'https://news.example/1' };
  assert.deepEqual(originsOf(link, texts, reader), ['reference']);
  assert.deepEqual(originsOf({ url: 'https://news.example/2' }, texts, reader), ['model']);
  assert.deepEqual(originsOf(link, texts, { ...reader, effect: 'reversible' }), ['untrusted']);
  assert.deepEqual(originsOf(link, { ...texts, ...prompt('Sum up.') }, reader), ['untrusted']);
  const web = { ...source, tool: { ...listing, egress: true } };
  assert.deepEqual(
    originsOf(link, { ...texts, untrusted: [answer('https://news.example/1', web)] }, reader),
    ['untrusted'],
  );
  const written = answer('ok', { tool: toolWith({ egress: false }) });
  assert.deepEqual(originsOf(link, { ...texts, untrusted: [...untrusted, written] }, reader), [
    'untrusted',
  ]);
  const fetched = answer('News.', { tool: reader, arguments: link });
  assert.deepEqual(originsOf(link, { ...texts, untrusted: [...untrusted, fetched] }, reader), [
    'untrusted',
  ]);
});

test('what is past a bound is endorsed by nothing', () => {
  const far = prompt(`${'word '.repeat(40_000)}bob@x.org`);
  assert.deepEqual(originsOf({ to: 'bob@x.org' }, far), ['model']);
  const many = Array.from({ length: 100 }, (_, index) => `bob-${index}`);
  const { values } = evidenceOf({ to: many }, prompt(many.join(' ')));
  assert.equal(values.length, 64);
  assert.equal(values.at(-1)?.origin, 'model');
});
