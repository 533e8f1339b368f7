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
  'jan 1 ',
  '\uFDFA',
  'aaa ',
  '- name: aaaa\n  id: 1\n',
];

for (const piece of pieces) {
  test(`a million units of ${JSON.stringify(piece)} and 64 long values take less than 600 ms`, () => {
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
    assert.ok(performance.now() - startedMs < 600 * slack);
  });
}

test('arguments of earlier calls, names of records and many dates do not hold anybody up either', () => {
  const call = {
    tool: { ...listing, references: {} },
    arguments: { query: '\uFDFA'.repeat(80_000) },
  };
  const records = Array.from({ length: 999 }, (_, at) => ({ id: `x${at}`, name: `mee${at}` }));
  const days = Array.from({ length: 60 }, (_, at) => `2026-01-01T10:${at % 6}${at % 10}`);
  const startedMs = performance.now();
  evidenceOf(
    { file_id: days },
    {
      prompt: ['meeting '.repeat(1_500)],
      untrusted: [
        answer(JSON.stringify(records)),
        answer('jan 1 '.repeat(10_900)),
        ...Array.from({ length: 32 }, () => answer('x', call)),
      ],
    },
  );
  assert.ok(performance.now() - startedMs < 600 * slack);
});
