import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { cleanText, hasHidden, showHidden } from './clean-text.ts';

const escape = String.fromCodePoint(0x1b);
const bell = String.fromCodePoint(0x07);

test('abuse A16: terminal sequences, bidi, zero-width and tag characters are taken out of a text', () => {
  const cases: readonly (readonly [string, string])[] = [
    [`${escape}[31;1mred${escape}[0m`, 'red'],
    [`${escape}]8;;https://evil.example${bell}link${escape}]8;;${escape}\\.`, 'link.'],
    [`a${escape}(Bb${escape}cc`, 'abc'],
    // What begins and does not end as a sequence is text, without its escape.
    [`${escape}[31`, '[31'],
    [`${escape}]title`, 'title'],
    [escape, ''],
    ['pay\u202Eeman\u202C', 'payeman'],
    ['read\u200B_\u200Dfile\uFEFF', 'read_file'],
    ['x\u{E0041}\u{E0042}\u{E007F}y', 'xy'],
    ['soft\u00ADhyphen \u3164filler', 'softhyphen filler'],
    ['bell\u0007 del\u007F csi\u009B', 'bell del csi'],
    ['lone\uD800 \uDC00surrogates', 'lone surrogates'],
  ];
  for (const [hidden, clean] of cases) {
    assert.equal(cleanText(hidden), clean);
    assert.equal(hasHidden(hidden), true);
  }
});

test('what people write is left alone', () => {
  const text = 'Größe\tin 日本語\r\n– “quoted” ⚠️ ₀ e\u0301 \u{1F600}';
  assert.equal(cleanText(text), text);
  assert.equal(hasHidden(text), false);
  assert.equal(showHidden(text), text.replace('\r', '\\u{d}'));
});

test('a clean text has nothing hidden, stays as it is and loses nothing that can be seen', () => {
  const unit = fc.oneof(
    fc.constantFrom(escape, bell, '[', ']', 'm', '\\', '\u200B', '\u{E0041}', ';', '1'),
    fc.nat({ max: 0x10_ff_ff }).map((code) => String.fromCodePoint(code)),
  );
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 40 }), (text) => {
      const clean = cleanText(text);
      assert.equal(hasHidden(clean), false);
      assert.equal(cleanText(clean), clean);
      assert.equal(hasHidden(showHidden(text)), false);
      if (!text.includes(escape)) {
        const seen = Array.from(text, (character) => (hasHidden(character) ? '' : character)).join(
          '',
        );
        assert.equal(clean, seen);
      }
    }),
  );
});
