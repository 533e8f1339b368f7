import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json } from '@modelhost/kernel';
import { createJsonRedaction } from './json-stream.ts';
import { redactJson } from './json-value.ts';
import { createRedactor } from './redactor.ts';
import { allIn, allStyles, chunkSizes, cut, keyBlock, simpleDetectors } from './testing.ts';

const redactors = allStyles.map((style) =>
  createRedactor({ detectors: simpleDetectors, styles: allIn(style), hashKey: 'key' }),
);
const [redactor] = redactors as [(typeof redactors)[number]]; // There are four.

function redactChunks(chunks: readonly string[], by = redactor): string {
  const stream = createJsonRedaction(by);
  return chunks.map((chunk) => stream.push(chunk)).join('') + stream.end();
}

const strings = fc.oneof(
  fc.constantFrom(
    'ann@x.org',
    'Pay 4111 1111 1111 1111 now, or else wait',
    'sk-abcdEFGH',
    'password',
    'the password is hunter2',
    '😀/\\"\n',
    '\ud83d',
    keyBlock(2),
    '__proto__',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const numbers = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }));
const { value: values } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    strings,
    numbers,
    fc.constantFrom(null, true, false, 4_111_111_111_111_111, 1e21),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(strings, tie('value'), { maxKeys: 4 }),
  ),
}));

/** Some units of a JSON text as escapes, by a seed: `@` as \u0040, `/` as \/, both halves of a pair. */
function escapeSome(json: string, seed: number): string {
  let state = seed;
  return json.replaceAll(/[@/\d]|[\ud800-\udfff]/g, (unit, at: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    const isInString =
      (json.slice(0, at).replaceAll(/\\./g, '').match(/"/g)?.length ?? 0) % 2 === 1;
    if (!isInString || json[at - 1] === '\\' || /\\u[\da-f]{0,3}$/.test(json.slice(0, at)))
      return unit;
    if (state % 3 === 0) return unit;
    if (unit === '/') return '\\/';
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

test('however a JSON text is cut and escaped, its stream parses to the redacted value', () => {
  fc.assert(
    fc.property(
      values,
      chunkSizes,
      fc.nat(),
      fc.constantFrom(undefined, 2),
      fc.constantFrom(...redactors),
      (value, sizes, seed, space, by) => {
        const json = escapeSome(JSON.stringify(value, null, space), seed);
        const whole: Json = JSON.parse(json) as Json; // The text is JSON.
        assert.deepEqual(JSON.parse(redactChunks(cut(json, sizes), by)), redactJson(by, whole));
      },
    ),
    { numRuns: 1_000 },
  );
});

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
