import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorTable } from './error-table.ts';

test('every code has a status, a retry rule and a line for the docs', () => {
  for (const [code, rule] of Object.entries(errorTable)) {
    assert.match(code, /^[a-z]+(_[a-z]+)*$/);
    assert.ok(rule.docs.endsWith('.'), code);
  }
});
