import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRedactor } from '../stream/redactor.ts';
import { keys } from '../fixtures/keys.ts';
import { allIn, simpleDetectors } from '../fixtures/texts.ts';
import { escapePlaceholders } from './restore.ts';
import { createVault, type Vault } from './vault.ts';

const reveal = [{ path: 'to', kinds: ['EMAIL'] }];

function openVault(context = 'acme/session-1'): Vault {
  return createVault({ keys, context });
}

function redactIn(vault: Vault, text: string): string {
  const styles = allIn('placeholder');
  return createRedactor({ detectors: simpleDetectors, styles, vault }).redact(text).text;
}

test('the same value has the same placeholder, and comes back where it is revealed', () => {
  const vault = openVault();
  const [one = '', two = '', again = ''] = redactIn(vault, 'ann@x.org bob@x.org ann@x.org').split(
    ' ',
  );
  assert.match(one, /^\[EMAIL_1:[0-9a-f]{4}\]$/);
  assert.match(two, /^\[EMAIL_2:[0-9a-f]{4}\]$/);
  assert.equal(again, one);
  const input = { to: [`Ann <${one}>`, { cc: two }], body: `Dear ${one}` };
  assert.deepEqual(vault.restore(input, reveal), {
    type: 'restored',
    value: { to: ['Ann <ann@x.org>', { cc: 'bob@x.org' }], body: `Dear ${one}` },
    restored: [
      { path: 'to[0]', placeholder: one },
      { path: 'to[1].cc', placeholder: two },
    ],
  });
});

test('a kind that is not revealed at a path stays a placeholder there', () => {
  const vault = openVault();
  const card = redactIn(vault, '4111 1111 1111 1111');
  const kept = vault.restore({ to: card, total: 1, top: card }, reveal);
  assert.deepEqual(kept, {
    type: 'restored',
    value: { to: card, total: 1, top: card },
    restored: [],
  });
});

test('a placeholder that this session did not issue refuses the call, wherever it stands', () => {
  const vault = openVault();
  const own = redactIn(vault, 'ann@x.org');
  const foreign = redactIn(openVault('acme/session-2'), 'ann@x.org');
  const forged = ['[EMAIL_1]', '[EMAIL_9:0000]', foreign, own.replace('EMAIL', 'CARD')];
  for (const placeholder of forged) {
    assert.deepEqual(vault.restore({ to: own, body: `x ${placeholder}` }, reveal), {
      type: 'refused',
      path: 'body',
      placeholder,
    });
    assert.equal(vault.restore({ [placeholder]: 1 }, reveal).type, 'refused');
  }
});

test('a vault goes on from its state, which says nothing and opens in its own session only', () => {
  const vault = openVault();
  const placeholder = redactIn(vault, 'ann@x.org');
  const state = vault.state();
  assert.doesNotMatch(JSON.stringify(state), /ann/);
  const context = 'acme/session-1';
  const again = createVault({ keys, context, state });
  assert.equal(redactIn(again, 'ann@x.org'), placeholder);
  assert.match(redactIn(again, 'bob@x.org'), /^\[EMAIL_2:/);
  const restored = again.restore({ to: placeholder }, reveal);
  assert.deepEqual(restored.type === 'restored' && restored.value, { to: 'ann@x.org' });
  const other = createVault({ keys, context: 'acme/session-2', state });
  assert.equal(other.restore({ to: placeholder }, reveal).type, 'refused');
});

test('a full vault gives plain tokens, and still knows the values it has', () => {
  const vault = createVault({ keys, context: 'c', entriesMax: 1 });
  const first = redactIn(vault, 'ann@x.org');
  assert.equal(redactIn(vault, 'bob@x.org and ann@x.org'), `[EMAIL] and ${first}`);
});

test('text from outside has no placeholders, however they are written', () => {
  const cases = [
    ['send [CARD_1:7f3a] to me', 'send (CARD_1:7f3a] to me'],
    ['[CARD_1]', '(CARD_1]'],
    ['[CA\u200bRD\u200b_\u200b1:7f3a]', '(CA\u200bRD\u200b_\u200b1:7f3a]'],
    ['[ card_12 ]', '( card_12 ]'],
    ['［CARD_1］', '(CARD_1］'],
    ['a[0] and [see_1a] and [x]', 'a[0] and [see_1a] and [x]'],
  ] as const;
  for (const [text, escaped] of cases) assert.equal(escapePlaceholders(text), escaped);
  const vault = openVault();
  const own = redactIn(vault, 'ann@x.org');
  const restored = vault.restore({ to: escapePlaceholders(own) }, reveal);
  assert.deepEqual(restored.type === 'restored' && restored.restored, []);
});

test('what nobody sees does not keep a placeholder from being seen', () => {
  for (const unseen of ['\ufe0f', '\u00ad', '\u034f', '\u{e0041}', '\u200b'.repeat(500)]) {
    assert.equal(escapePlaceholders(`[EM${unseen}AIL_1:7f3a]`), `(EM${unseen}AIL_1:7f3a]`);
    assert.equal(escapePlaceholders(`[${unseen}EMAIL_1${unseen}]`), `(${unseen}EMAIL_1${unseen}]`);
  }
  assert.equal(escapePlaceholders('[ＥＭＡＩＬ_1:7f3a]'), '(ＥＭＡＩＬ_1:7f3a]');
});

test('only what stands at the path itself is revealed, not what is called like it', () => {
  const vault = openVault();
  const own = redactIn(vault, 'ann@x.org');
  const paths = ['to', 'a.b', 'lines[0].text'].map((path) => ({ path, kinds: ['EMAIL'] }));
  const asked = {
    'to.x': own,
    'to[0]': own,
    'a.b': own,
    'lines[0]': { text: own },
    a: { '[0]': own },
  };
  const restored = vault.restore(asked, paths);
  assert.deepEqual(restored, { type: 'restored', value: asked, restored: [] });
  const meant = { to: { 'x.y': own }, a: { b: own }, lines: [{ text: own, more: own }] };
  const found = vault.restore(meant, paths);
  assert.deepEqual(found.type === 'restored' && found.value, {
    to: { 'x.y': 'ann@x.org' },
    a: { b: 'ann@x.org' },
    lines: [{ text: 'ann@x.org', more: own }],
  });
});

test('what went out turns back into its placeholder, however it is written', () => {
  const vault = openVault();
  const own = redactIn(vault, 'ann@x.org');
  const conceal = vault.conceal([own, '[EMAIL_9:0000]']);
  const writings = [
    'ann@x.org',
    'Ann@X.ORG',
    'ann%40x.org',
    'ann%2540x.org',
    String.raw`ann\u0040x.org`,
    String.raw`\\u0061nn@x\\u002Eorg`,
    'an\u200bn@x.o\u00adrg',
  ];
  for (const writing of writings) assert.equal(conceal(`no user <${writing}>`), `no user <${own}>`);
  assert.equal(conceal('bob@x.org'), 'bob@x.org');
  assert.equal(vault.conceal([])('ann@x.org'), 'ann@x.org');
});
