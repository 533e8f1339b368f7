import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadKeys } from '@modelhost/keys-file';
import { createHostRedactor } from '@modelhost/redaction';
import { hideKnown } from './hide-known.ts';

const environmentValue = Buffer.alloc(32, 7).toString('base64');
const keys = await loadKeys({ path: 'unused', environmentValue });
const bare = createHostRedactor({ always: { email: 'token' }, keys });
const redactor = hideKnown(bare, ['correct-horse']);
const text = 'ann@example.org knows correct-horse, as all do';
const hidden = '[EMAIL] knows [SECRET], as all do';

test('what is known is hidden beside what is found, and counted', () => {
  const step = redactor.open({ tenant: 'acme', sessionId: 'run' }).step();
  assert.equal(redactor.redact(text), hidden);
  assert.equal(step.redact(text, {}), hidden);
  const value = { 'correct-horse': [text, 7, null] };
  assert.deepEqual(step.redactJson(value, {}), { '[SECRET]': [hidden, 7, null] });
  assert.deepEqual(step.found(), { email: 2, secrets: 3 });
});

test('a value in which nothing is known or found comes back as it is', () => {
  const step = redactor.open({ tenant: 'acme', sessionId: 'run' }).step();
  const value = { a: ['text', 7, null, { b: true }] };
  assert.equal(step.redactJson(value, {}), value);
  assert.equal(step.redactJson(value, {}), value);
});

test('it is hidden in a name beside which nothing else changes, and in lists', () => {
  const step = redactor.open({ tenant: 'acme', sessionId: 'run' }).step();
  const value = [{ a: { 'correct-horse': 7 } }, 'text'];
  assert.deepEqual(step.redactJson(value, {}), [{ a: { '[SECRET]': 7 } }, 'text']);
});

test('it is hidden where it is a number', () => {
  const step = hideKnown(bare, ['83592047151234'])
    .open({ tenant: 'acme', sessionId: 'run' })
    .step();
  const value = { n: [83_592_047_151_234, 83_592_047_151_235] };
  assert.deepEqual(step.redactJson(value, {}), { n: ['[SECRET]', 83_592_047_151_235] });
});

test('it is hidden where it was a number with more digits than a number can hold', () => {
  for (const secret of ['83592047151234567', '9359204715123456789', '8359204715123456789012345']) {
    const long = hideKnown(bare, [secret]);
    const step = long.open({ tenant: 'acme', sessionId: 'run' }).step();
    const read = Number(secret);
    assert.notEqual(String(read), secret);
    assert.deepEqual(step.redactJson({ n: [read, 7] }, {}), { n: ['[SECRET]', 7] });
    assert.equal(long.redact(JSON.stringify({ n: read })), '{"n":[SECRET]}');
    assert.equal(long.redact(secret), '[SECRET]');
  }
});

test('it is hidden in streams, however they are cut, and a broken one ends before it', () => {
  const session = redactor.open({ tenant: 'acme', sessionId: 'run' });
  for (const size of [1, 3, 64]) {
    const stream = session.step().stream({});
    let given = '';
    for (let at = 0; at < text.length; at += size) given += stream.push(text.slice(at, at + size));
    assert.equal(given + stream.end(), hidden);
  }
  const broken = session.step().stream({});
  assert.equal(broken.push('it is correct-ho') + broken.abort(), 'it is ');
});
