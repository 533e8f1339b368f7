import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, evidenceOf, listing, toolWith } from './fixtures/texts.ts';

/** A machine that does other work too gets more time. */
const slack = process.env['CI'] === undefined ? 1 : 4;

/** Texts that make some way to search slow. */
const pieces = [
  'a',
  'ab',
  "'{a",
  '- ',
  'a@',
  'a.',
  '1 ',
  'http://',
  'ab12 ',
  '[',
  'may 1',
  '- name: aaaa\n  id: 1\n',
];

for (const piece of pieces) {
  test(`a million units of ${JSON.stringify(piece)} and 64 long values take less than 1,500 ms`, () => {
    const text = piece.repeat(Math.ceil(131_072 / piece.length)).slice(0, 131_072);
    const values = Array.from({ length: 64 }, (_, at) => `${piece.repeat(20)}${at}`);
    const call = { tool: listing, arguments: { query: 'aaa' } };
    const startedMs = performance.now();
    evidenceOf(
      { file_id: values, body: text.slice(0, 60_000) },
      {
        prompt: [text.slice(0, 16_000)],
        untrusted: Array.from({ length: 8 }, () => answer(text, call)),
      },
      toolWith({ effect: 'none' }),
    );
    assert.ok(performance.now() - startedMs < 1_500 * slack);
  });
}
