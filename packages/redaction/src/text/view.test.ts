import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createFoldedView } from './view.ts';

test('a view has no invisible characters, and letters and digits of other widths are ASCII', () => {
  const view = createFoldedView('a\u200bb\u00ad \uff4a\uff11\u0662\u{1d7dc}\u{e0041}\u2013x');
  assert.equal(view.text, 'ab j124-x');
});

test('a view has no control characters, nothing of private use and no colours of a terminal', () => {
  const view = createFoldedView(
    'a\u0000b\bc\u007f\u0085\u009b\ue000\u{f0000}\u2028\u2800d\u001b[1;31me',
  );
  assert.equal(view.text, 'abcde');
  assert.equal(createFoldedView('\u001b[31mx', true).text, '[31mx');
});

test('a stretch of the view leads back to all that was written there', () => {
  const text = '\u{1f600}4\u200b1\u{1d7dc}!';
  const view = createFoldedView(text);
  const at = view.text.indexOf('414');
  assert.equal(text.slice(view.originalStart(at), view.originalEnd(at + 3)), '4\u200b1\u{1d7dc}');
});

test('a text of ASCII is its own view, but for what does not show', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => {
      assert.equal(createFoldedView(`${text}\t\r\n`).text, `${text}\t\r\n`);
    }),
    { numRuns: 200 },
  );
});

test('no stretch leads into the middle of a surrogate pair, or out of the text', () => {
  const texts = fc.string({ unit: 'binary' });
  fc.assert(
    fc.property(texts, fc.nat(), fc.nat(), (text, one, other) => {
      const view = createFoldedView(text);
      const places = view.text.length + 1;
      const [from = 0, to = 0] = [one % places, other % places].toSorted((a, b) => a - b);
      const start = view.originalStart(from);
      const end = view.originalEnd(to);
      assert.ok(start >= 0 && end <= text.length);
      assert.ok(text.slice(0, start).isWellFormed() && text.slice(0, end).isWellFormed());
    }),
    { numRuns: 500 },
  );
});
