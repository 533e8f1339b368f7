import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { HostError } from '@modelhost/kernel';
import { createApiKey, createAuthenticate } from './auth.ts';

const alice = createApiKey();
const bob = createApiKey();
const authenticate = createAuthenticate([
  { id: alice.id, hash: alice.hash, tenant: 'acme', subject: 'alice', roles: ['user'] },
  { id: bob.id, hash: bob.hash, tenant: 'beta', subject: 'bob', roles: [] },
]);

function refuses(authorization: string | undefined): void {
  assert.throws(
    () => authenticate(authorization),
    (thrown) => thrown instanceof HostError && thrown.code === 'unauthenticated',
    JSON.stringify(authorization),
  );
}

test('a key names tenant, subject and roles, whatever the case of the scheme', () => {
  const principal = { tenant: 'acme', subject: 'alice', roles: ['user'] };
  assert.deepEqual(authenticate(`Bearer ${alice.key}`), principal);
  assert.deepEqual(authenticate(`bearer ${alice.key}`), principal);
  assert.equal(authenticate(`Bearer ${bob.key}`).tenant, 'beta');
});

test('whatever is not exactly a key is refused', () => {
  const secret = alice.key.slice(alice.key.lastIndexOf('_') + 1);
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    alice.key,
    `Basic ${alice.key}`,
    `Bearer  ${alice.key}`,
    `Bearer ${alice.key} `,
    `Bearer ${alice.key}x`,
    `Bearer ${alice.key.slice(0, -1)}`,
    `Bearer ${alice.key.toUpperCase()}`,
    `Bearer ${alice.key}, Bearer ${bob.key}`,
    `Bearer mh_${bob.id}_${secret}`,
    `Bearer mh_${alice.id}_`,
    `Bearer ${alice.hash}`,
    `Bearer mh_${alice.id}_${alice.hash}`,
    "Bearer ' OR 1=1--",
    'Bearer mh___proto___x',
    'Bearer mh_constructor_x',
    `Bearer ${'x'.repeat(100_000)}`,
  ]) {
    refuses(header);
  }
});

test('no header that is made up is let in, and no key with one character changed', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => refuses(text)));
  fc.assert(fc.property(fc.string({ maxLength: 200 }), (text) => refuses(`Bearer mh_${text}`)));
  fc.assert(
    fc.property(fc.nat(alice.key.length - 1), fc.integer({ min: 0x21, max: 0x7e }), (at, code) => {
      const character = String.fromCharCode(code);
      fc.pre(alice.key[at] !== character);
      refuses(`Bearer ${alice.key.slice(0, at)}${character}${alice.key.slice(at + 1)}`);
    }),
  );
});

test('without keys everybody is the local principal', () => {
  const open = createAuthenticate([]);
  const local = { tenant: 'default', subject: 'local', roles: ['admin', 'platform-admin'] };
  assert.deepEqual(open(undefined), local);
  assert.deepEqual(open(`Bearer ${alice.key}`), local);
});

test('two new keys have nothing in common, and the refusal does not repeat what was sent', () => {
  assert.notEqual(alice.key, bob.key);
  assert.notEqual(alice.id, bob.id);
  assert.match(alice.key, /^mh_[a-z0-9]{4,32}_[\w-]{43}$/);
  assert.throws(
    () => authenticate('Bearer mh_canary_canary'),
    (thrown) => thrown instanceof HostError && !thrown.message.includes('canary'),
  );
});
