import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { HostError } from '@modelhost/kernel';
import { createTestKeys } from './fixtures/test-keys.ts';
import { createSealedStates } from './sealed-state.ts';
import type { SealedStates, StateOrigin } from './sealed-state.ts';

const keys = createTestKeys();
let nowMs = 1_000;

function statesOf(view: string, bytesMax = 4_096): SealedStates {
  const options = {
    keys,
    view,
    now: () => nowMs,
    randomId: () => 'nonce',
    ttlMs: 60_000,
    bytesMax,
  };
  return createSealedStates(options);
}

const states = statesOf('default');
const origin: StateOrigin = {
  principal: { tenant: 'acme', subject: 'ann', roles: ['reader'] },
  alias: 'files',
  method: 'tools/call',
  params: { name: 'files__read', arguments: { path: 'a' } },
};

test('a state opens for its request, whatever answers and meta come with it, and in any order of members', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 500 }), (text) => {
      const params = {
        requestState: 'x',
        inputResponses: { name: { action: 'accept' } },
        _meta: { a: 1 },
        arguments: { path: 'a' },
        name: 'files__read',
      };
      assert.equal(states.open(states.seal(text, origin), { ...origin, params }), text);
    }),
  );
});

test('abuse A8: a state of another tenant, person, view, server, method or request does not open', () => {
  const state = states.seal('secret', origin);
  const { principal, params } = origin;
  const others: readonly StateOrigin[] = [
    { ...origin, principal: { ...principal, tenant: 'evil' } },
    { ...origin, principal: { ...principal, subject: 'eve' } },
    { ...origin, principal: { ...principal, tenant: 'acme","ann' } },
    { ...origin, alias: 'other' },
    { ...origin, method: 'prompts/get' },
    { ...origin, params: { ...params, name: 'files__write' } },
    { ...origin, params: { ...params, arguments: { path: 'b' } } },
    { ...origin, params: { ...params, more: 1 } },
  ];
  for (const other of others) assert.equal(states.open(state, other), undefined);
  assert.equal(statesOf('other').open(state, origin), undefined);
  assert.equal(states.open(state, origin), 'secret');
});

test('abuse A8: a state with any bit changed, cut off or added to does not open', () => {
  const state = states.seal('secret', origin);
  fc.assert(
    fc.property(fc.nat(state.length - 1), fc.integer({ min: 0, max: 6 }), (at, bit) => {
      const code = state.charCodeAt(at) ^ (1 << bit);
      const changed = state.slice(0, at) + String.fromCharCode(code) + state.slice(at + 1);
      assert.equal(states.open(changed, origin), undefined);
    }),
    { numRuns: 2_000 },
  );
  for (let end = 0; end < state.length; end += 1) {
    assert.equal(states.open(state.slice(0, end), origin), undefined);
  }
  for (const changed of [
    `${state}=`,
    `${state} `,
    ` ${state}`,
    `${state}-TAMPERED`,
    '',
    '.',
    'a.b',
  ]) {
    assert.equal(states.open(changed, origin), undefined);
  }
});

test('a state opens until its time is over, and not a moment longer', () => {
  const state = states.seal('secret', origin);
  nowMs += 59_999;
  assert.equal(states.open(state, origin), 'secret');
  nowMs += 1;
  assert.equal(states.open(state, origin), undefined);
});

test('what is too large is neither sealed nor looked at', () => {
  const small = statesOf('default', 300);
  assert.throws(
    () => small.seal('x'.repeat(300), origin),
    (thrown) => thrown instanceof HostError && thrown.code === 'mcp_protocol_error',
  );
  const state = states.seal('x'.repeat(300), origin);
  assert.equal(small.open(state, origin), undefined);
});

test('a request that is nested too deeply opens nothing', () => {
  const state = states.seal('secret', origin);
  const deep = JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`) as [];
  assert.equal(states.open(state, { ...origin, params: { deep } }), undefined);
});
