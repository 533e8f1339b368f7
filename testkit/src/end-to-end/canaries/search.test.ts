import assert from 'node:assert/strict';
import test from 'node:test';
import { canaryKinds, createCanaries, textOf } from './canary.ts';
import { findCanaries } from './search.ts';

const canaries = createCanaries('somewhere');
const all = textOf(canaries);

const spellings: readonly (readonly [string, (text: string) => string | Buffer])[] = [
  ['as it is', (text) => text],
  ['in JSON', (text) => JSON.stringify({ text })],
  ['in JSON within JSON', (text) => JSON.stringify({ text: JSON.stringify({ text }) })],
  ['in a URL', (text) => encodeURIComponent(text)],
  ['in a form', (text) => new URLSearchParams({ text }).toString()],
  ['as hexadecimal', (text) => Buffer.from(text).toString('hex')],
  ['as base64', (text) => Buffer.from(text).toString('base64')],
  ['as base64 after one more byte', (text) => Buffer.from(`.${text}`).toString('base64')],
  ['as base64 for URLs, after two more', (text) => Buffer.from(`..${text}`).toString('base64url')],
  ['as UTF-16', (text) => Buffer.from(text, 'utf16le')],
];

for (const [title, spell] of spellings) {
  test(`every kind of canary is found ${title}`, () => {
    const found = findCanaries(canaries, [{ name: 'x', bytes: Buffer.from(spell(all)) }]);
    assert.deepEqual(
      found.map((line) => line.replace(/ \(.*$/, '')),
      canaryKinds.map((kind) => `x: ${kind} of somewhere`),
    );
  });
}

test('nothing is found where there is none, and each place has its own', () => {
  const elsewhere = createCanaries('elsewhere');
  assert.deepEqual(
    findCanaries(canaries, [{ name: 'x', bytes: Buffer.from(textOf(elsewhere)) }]),
    [],
  );
});
