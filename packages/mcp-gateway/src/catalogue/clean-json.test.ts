import assert from 'node:assert/strict';
import test from 'node:test';
import { cleanJson } from './clean-json.ts';

test('every text of an object is cleaned, and a name that cannot be is refused', () => {
  const value = { a: ['x\u200B', { b: 'y\u202E', c: 1 }], d: null, __proto__x: 'z' };
  assert.deepEqual(cleanJson(value), { a: ['x', { b: 'y', c: 1 }], d: null, __proto__x: 'z' });
  assert.throws(() => cleanJson({ a: [{ 'b\u200B': 1 }] }), { code: 'mcp_protocol_error' });
});
