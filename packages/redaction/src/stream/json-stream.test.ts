import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json } from '@modelhost/kernel';
import { createDetectors } from '../detectors.ts';
import { createJsonRedaction } from './json-stream.ts';
import { redactJson } from './json-value.ts';
import { createRedactor } from './redactor.ts';
import { allIn, simpleDetectors } from '../fixtures/texts.ts';

const redactor = createRedactor({ detectors: simpleDetectors, styles: allIn('token') });

function redactChunks(chunks: readonly string[]): string {
  const stream = createJsonRedaction(redactor);
  return chunks.map((chunk) => stream.push(chunk)).join('') + stream.end();
}

test('escapes do not hide a value, wherever they are cut', () => {
  const json = '{"to":"ann\\u0040x.org","path":"\\/a\\/b","smile":"\\ud83d\\ude00"}';
  for (let at = 0; at <= json.length; at += 1) {
    assert.deepEqual(JSON.parse(redactChunks([json.slice(0, at), json.slice(at)])), {
      to: '[EMAIL]',
      path: '/a/b',
      smile: '😀',
    });
  }
});

test('a value is looked at together with its key, and keys are redacted too', () => {
  const json =
    '{"password":"horse","list":{"passwords":1},"ann@x.org":["password"],"password":["cow"]}';
  assert.equal(
    redactChunks([json]),
    '{"password":"[SECRET]","list":{"passwords":1},"[EMAIL]":["password"],"password":["[SECRET]"]}',
  );
});

test('a number in which something is found becomes a string, others stay as written', () => {
  assert.equal(redactChunks(['[4111111111111111,1.50, 2e3 ]']), '["[CARD]",1.50, 2e3 ]');
});

test('text that is no JSON is redacted as text', () => {
  assert.equal(redactChunks(['to ann@x.org', ' and {x: bob@x.org']), 'to [EMAIL] and {x: [EMAIL]');
  assert.equal(redactChunks(['"open ann@x.org']), '"open [EMAIL]');
  assert.ok(redactChunks(['1'.repeat(5_000)]).length > 1_000);
});

test('a value with spaces, colons or commas in it is found in text that is no JSON, however it is cut', () => {
  const texts = [
    ['card 4111 1111 1111 1111 x', 'card [CARD] x'],
    ['4111 1111 1111 1111', '[CARD]'],
    ['{"a": 4111 1111 1111 1111}', '{"a": [CARD]}'],
    ['[4111-1111-1111-1111, 1]', '[[CARD], 1]'],
    ['{"a":1} born on 12 March 1980', '{"a":1} born on [BIRTH_DATE]'],
    ['{"a":"b" born on 12 March 1980', '{"a":"b" born on [BIRTH_DATE]'],
    ['"a" : password: horse', '"a" : password: [SECRET]'],
    ['{password: horse, n: 1}', '{password: [SECRET] n: 1}'],
  ] as const;
  for (const [text, expected] of texts) {
    for (let at = 0; at <= text.length; at += 1) {
      assert.equal(redactChunks([text.slice(0, at), text.slice(at)]), expected);
    }
  }
});

test('the credentials of a URL are found in text that is no JSON', () => {
  const names = ['url_credentials', 'card'];
  const detectors = createDetectors({ detectors: names });
  const stream = createJsonRedaction(
    createRedactor({ detectors, styles: { url_credentials: 'token' } }),
  );
  assert.equal(
    stream.push('{"url": https://bob:hunter2secret@host/}') + stream.end(),
    '{"url": https://[URL_CREDENTIALS]@host/}',
  );
});

test('arguments that are broken off lose what may be half a value', () => {
  const stream = createJsonRedaction(redactor);
  assert.equal(stream.push('{"card":"It is 4111 1111 1') + stream.abort(), '{"card":"It is ');
  const bare = createJsonRedaction(redactor);
  assert.equal(bare.push('[411111111') + bare.abort(), '[');
});

test('what is nested too deeply is refused', () => {
  const deep = '['.repeat(513);
  assert.throws(() => redactChunks([deep]), {
    code: 'validation_failed',
    message: /deeper than 512/,
  });
  const parsed = JSON.parse(`${deep}${']'.repeat(513)}`) as Json; // The text is JSON.
  assert.throws(() => redactJson(redactor, parsed), { code: 'validation_failed' });
});
