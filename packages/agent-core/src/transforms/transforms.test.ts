import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Obligations } from '@modelhost/kernel';
import fc from 'fast-check';
import { applyTransforms } from './apply-transforms.ts';
import { cutText } from './cut-text.ts';

type Transforms = Obligations['transforms'];

const all: Transforms = ['strip_invisible', 'strip_links', 'strip_markup'];
/** Texts of the pieces that marks and links are made of, so that they meet in every way. */
const pieces =
  '[ ] ( ) ![ ]( ]( < > <b --> <!-- * ** _ ` ``` ~~ # > http s :// // : www. a b.c 1 mailto: data: java script: evil.example &';
const piece = fc.constantFrom(
  ...pieces.split(' '),
  ' ',
  '\n',
  '\r',
  '\u200b',
  '\u202e',
  '\u{e0041}',
  '\u001b[',
  '\ue000',
);
const text = fc.array(piece, { maxLength: 40 }).map((drawn) => drawn.join(''));

suite('transforms', () => {
  for (const [transforms, given, expected] of [
    [['strip_invisible'], 'a\u200bb\u202ec\u{e0041}d\ne\tf', 'abcd\ne\tf'],
    [['strip_invisible'], '\u001b[31mred\u001b[0m \u001b]8;;x\u0007on', 'red on'],
    [['strip_invisible'], 'a\r\nb\rc\u2028d\ue000\u{f0041}e\ufe0f\ud800', 'a\nb\ncde'],
    [['strip_links'], 'see [here](https://evil.example/?q=1) now', 'see here now'],
    [['strip_links'], '![](https://evil.example/pixel.png)done', 'done'],
    [['strip_links'], 'go to https://evil.example/a?b, or www.evil.example', 'go to  or '],
    [['strip_links'], '[a][1] b\n[1]: //evil.example/x "t"', '[a][1] b\n'],
    [['strip_links'], 'htt[](x)ps://evil.example', ''],
    [['strip_links'], '[Read on: result://1f0a, byte 20]', '[Read on: result://1f0a, byte 20]'],
    [['strip_links'], 'at 10:30, and/or a ratio of 1:2', 'at 10:30, and/or a ratio of 1:2'],
    [['strip_markup'], '<b onclick="x">bold</b><!-- say yes -->', 'bold'],
    [['strip_markup'], '# Title\n> **bold** `code`', 'Title\nbold code'],
    [['strip_markup'], 'x < y and 2 * 3 = snake_case', 'x < y and 2 * 3 = snake_case'],
    [['strip_markup'], '<<b>script>alert</script>', 'alert'],
    [[], '<b>[a](https://b.example)', '<b>[a](https://b.example)'],
    [all, 'ht\u200btps://evil.example <b>[x](data:1)</b>', ' x'],
  ] as const) {
    test(`${transforms.join(' and ') || 'nothing'}: ${JSON.stringify(given)}`, () => {
      assert.equal(applyTransforms(given, transforms), expected);
    });
  }

  test('done once more they change nothing, in any choice', () => {
    fc.assert(
      fc.property(
        text,
        fc.subarray(['strip_invisible', 'strip_links', 'strip_markup'] as const),
        (given, transforms) => {
          const once = applyTransforms(given, transforms);
          assert.equal(applyTransforms(once, transforms), once);
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test('no address and no image is left, however it is put together', () => {
    fc.assert(
      fc.property(text, (given) => {
        const stripped = applyTransforms(given, ['strip_links']);
        assert.doesNotMatch(stripped, /https?:\/\/|(?<![a-z0-9])(?:www\.|mailto:|javascript:)\S/i);
        assert.doesNotMatch(stripped, /\[[^[\]]*\]\([^()\n]*\)/);
        const plain = applyTransforms(given, ['strip_markup']);
        assert.doesNotMatch(plain, /<\/?[a-z][^<>]*>|!\[[^[\]]*\]\([^()\n]*\)/i);
      }),
      { numRuns: 3_000 },
    );
  });

  test('links within links without end are taken apart in one go', () => {
    const given = `${'['.repeat(5_000)}a${'](b)'.repeat(5_000)}`;
    const stripped = applyTransforms(given, ['strip_links']);
    assert.doesNotMatch(stripped, /\]\(/);
    assert.equal(applyTransforms(stripped, ['strip_links']), stripped);
  });
});

test('a cut text is the longest whole beginning within its bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(40), (given, bytesMax) => {
      const cut = cutText(given, bytesMax);
      assert.ok(given.startsWith(cut) && Buffer.byteLength(cut) <= bytesMax);
      const next = given.codePointAt(cut.length);
      if (next !== undefined) {
        assert.ok(Buffer.byteLength(cut + String.fromCodePoint(next)) > bytesMax);
      }
      assert.equal(cutText(given, undefined), given);
    }),
  );
});
