import assert from 'node:assert/strict';
import test from 'node:test';
import type { JsonObject } from '@modelhost/kernel';
import type { InputRequest } from '../relay.ts';
import { findMissing, isInputMethod } from './live-request.ts';

const form: InputRequest = { method: 'elicitation/create', params: {} };
const url: InputRequest = { method: 'elicitation/create', params: { mode: 'url' } };
const sampling: InputRequest = { method: 'sampling/createMessage', params: {} };
const roots: InputRequest = { method: 'roots/list', params: {} };

const cases: readonly (readonly [string, InputRequest, JsonObject, number | undefined])[] = [
  ['a form', form, { elicitation: {} }, undefined],
  ['a form', form, { elicitation: { form: {} } }, undefined],
  ['a form', form, { elicitation: { url: {} } }, -32_602],
  ['a form', form, { sampling: {}, roots: {} }, -32_601],
  ['a form', form, { elicitation: true }, -32_601],
  ['a page', url, { elicitation: { url: {} } }, undefined],
  ['a page', url, { elicitation: {} }, -32_602],
  ['a page', url, {}, -32_601],
  ['a model', sampling, { sampling: {} }, undefined],
  ['a model', sampling, { elicitation: {} }, -32_601],
  ['roots', roots, { roots: {} }, undefined],
  ['roots', roots, {}, -32_601],
];

for (const [title, request, capabilities, code] of cases) {
  const outcome = code === undefined ? 'may be asked for' : `gives ${code}`;
  test(`${title} ${outcome} with ${JSON.stringify(capabilities)}`, () => {
    assert.equal(findMissing(request, capabilities)?.code, code);
  });
}

test('only three methods ask for input', () => {
  const methods = [
    'elicitation/create',
    'sampling/createMessage',
    'roots/list',
    'ping',
    'toString',
  ];
  assert.deepEqual(methods.filter(isInputMethod), methods.slice(0, 3));
});
