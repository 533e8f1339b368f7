import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isJsonObject } from '@modelhost/kernel';
import type { Json, StepRedactor } from '@modelhost/kernel';
import fc from 'fast-check';
import { hideInArguments, repeatsName } from './hide-in-arguments.ts';

const hideText = (text: string): string => text.replaceAll(/canary|6212345678901234577/gi, '*');

function hideJson(value: Json): Json {
  if (typeof value === 'string') return hideText(value);
  if (typeof value !== 'object' || value === null) return value;
  if (!isJsonObject(value)) return value.map((item: Json) => hideJson(item));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [hideText(name), hideJson(item)]),
  );
}

const redactor: StepRedactor = {
  hides: () => true,
  redact: hideText,
  redactJson: hideJson,
  stream: () => ({ push: hideText, end: () => '', abort: () => '' }),
  found: () => ({}),
  state: () => null,
};

const hide = (text: string): string => hideInArguments(text, redactor, {});
const escaped = String.raw`can\u0061ry`;

test('arguments in which nothing is hidden stay as they were written', () => {
  for (const text of [
    '{ "a": 1.50, "b": [1e3] }',
    '{"a":12345678901234567890}',
    '',
    '{"a":',
    '\\n',
  ]) {
    assert.equal(hide(text), text);
  }
  assert.equal(hide('{"a":"the canary"}'), '{"a":"the *"}');
  assert.equal(hide(`{"a":"${escaped}"}`), '{"a":"*"}');
});

test('a name that stands there twice hides nothing', () => {
  assert.equal(hide(`{"a":"${escaped}","a":"ok"}`), '{"a":"ok"}');
  assert.equal(hide(`[{"a":{"b":"${escaped}"},"\\u0061":1}]`), '[{"a":1}]');
});

test('neither do escapes in what is no JSON', () => {
  const broken = [
    `{"a":"${escaped}"`,
    `{"a":"${escaped}"} {}`,
    String.raw`can\x61ry`,
    String.raw`can\u{61}ry`,
    String.raw`{"a":"{\"b\":\"can\\u0061ry`,
  ];
  for (const text of broken) {
    const shown = hide(text);
    assert.doesNotMatch(shown, /can/);
    assert.match(shown, /^".*\*.*"$/);
  }
  assert.equal(hide('{"a":"canary'), '{"a":"*');
});

test('a number is looked at as it is written', () => {
  assert.equal(hide('{"card":6212345678901234577}'), '{"card":"*"}');
  assert.equal(hide('[6212345678901234577, 1]'), '["*",1]');
  assert.equal(hide('{"card":6.212345678901234577e18}'), '{"card":"*"}');
  assert.equal(hide('{"a":"6212345678901234577"}'), '{"a":"*"}');
});

test('only a name that is repeated is', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      // What fast-check calls a JSON value is one.
      assert.equal(repeatsName(JSON.stringify(value), value as Json), false);
    }),
  );
});
