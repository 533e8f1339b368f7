import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StepRedactor, TextRedaction } from '@modelhost/kernel';
import { hideInPiece, textBefore } from './hide-in-piece.ts';

/** Hides words with an `x` in them; knows that only once the word is over. */
const redactor: StepRedactor = {
  hides: () => true,
  redact: (text) => hideWords(text),
  redactJson: (value) => value,
  stream: (): TextRedaction => {
    let held = '';
    return {
      push: (text) => {
        const all = held + text;
        const end = all.lastIndexOf(' ') + 1;
        held = all.slice(end);
        return hideWords(all.slice(0, end));
      },
      end: () => hideWords(held),
      abort: () => '',
    };
  },
  found: () => ({}),
  state: () => null,
};

function hideWords(text: string): string {
  return text.replaceAll(/\S*x\S*/g, '*');
}

const asIs = { styles: {}, change: (text: string): string => text };

test('however a text is cut into pieces, together they are the text that the whole gives', () => {
  const whole = 'one xtwo three fourx five six7 eight';
  const hidden = hideWords(whole);
  for (let first = 0; first <= whole.length; first += 1) {
    for (let second = first; second <= whole.length; second += 1) {
      const pieces = [
        { before: '', text: whole.slice(0, first), isCut: true },
        { before: whole.slice(0, first), text: whole.slice(first, second), isCut: true },
        { before: whole.slice(0, second), text: whole.slice(second), isCut: false },
      ];
      const shown = pieces.map((piece) => hideInPiece(piece, redactor, asIs));
      assert.equal(shown.join(''), hidden);
    }
  }
});

test('how to read on is no part of the text, and nothing is left out of it', () => {
  const note = '\n[cut after 7 of 9 bytes; the rest is in result://1f0a from offset 7]';
  const shown = hideInPiece({ before: '', text: `one xtw${note}`, isCut: true }, redactor, asIs);
  assert.equal(shown, `one ${note}`);
});

test('what stands before a piece ends where the piece begins, also within characters of several bytes', () => {
  const whole = 'aé日😀b—'.repeat(20);
  const bytes = Buffer.from(whole);
  for (let from = 0; from < 20; from += 1) {
    for (let offset = from + 1; offset < 40; offset += 1) {
      const [earlier, text] = [from, offset].map((at) =>
        bytes.subarray(startOf(bytes, at)).toString(),
      );
      const before = textBefore(earlier ?? '', text ?? '', offset - from);
      assert.ok(whole.includes(before + (text ?? '')), `${from} ${offset}`);
      assert.ok(before !== '' || startOf(bytes, from) === startOf(bytes, offset));
    }
  }
  assert.equal(textBefore('abc', 'xyz', 1), '');
});

/** Where the character begins that this byte is part of. */
function startOf(bytes: Buffer, at: number): number {
  let start = at;
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  return start;
}
