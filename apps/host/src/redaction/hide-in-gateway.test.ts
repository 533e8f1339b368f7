import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Keys } from '@modelhost/kernel';
import { createHostRedactor } from '@modelhost/redaction';
import { hideInGateway } from './hide-in-gateway.ts';

const keys: Keys = { seal: () => ({ keyId: 'k', data: '' }), unseal: () => '', commit: () => 'c' };
const token = ['ghp', 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5'].join('_');

test('a result of any length is hidden whole, with the words of its tenant', async () => {
  const termsOf = (tenant: string): readonly string[] => (tenant === 'acme' ? ['Bluebird'] : []);
  const always = { secrets: 'token', term: 'token' } as const;
  const hiding = hideInGateway(createHostRedactor({ always, keys, termsOf }));
  // Across the slices that it is looked at in.
  const text = `${'word '.repeat(13_103)}${token} and Bluebird`;
  const hidden = `${'word '.repeat(13_103)}[SECRET] and `;
  assert.equal(await hiding.long(text, 'acme'), `${hidden}[TERM]`);
  assert.equal(await hiding.long(text, 'other'), `${hidden}Bluebird`);
  assert.equal(await hiding.long(token, 'acme'), '[SECRET]');
  assert.equal(hiding.text(`no ${token}`), 'no [SECRET]');
  assert.deepEqual(hiding.definition({ [token]: 1 }), { '[SECRET]': 1 });
});

test('where nothing is to be hidden, a text is the same', async () => {
  const hiding = hideInGateway(createHostRedactor({ always: {}, keys }));
  const text = `${'word '.repeat(20_000)}${token}`;
  assert.equal(await hiding.long(text, 'acme'), text);
});
