import { test } from 'node:test';
import { assertWithin, cpuMsOf, withSlack } from '@modelhost/timing';
import { answer, evidenceOf, listing, toolWith } from './fixtures/texts.ts';

const boundMs = withSlack(600, process.env['CI']);

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
  test(`a million units of ${JSON.stringify(piece)} and 64 long values take less than 600 ms`, async (t) => {
    const text = piece.repeat(Math.ceil(131_072 / piece.length)).slice(0, 131_072);
    const ids = Array.from({ length: 64 }, (_, at) => `${piece.repeat(20)}${at}`);
    const call = { tool: listing, arguments: { query: 'aaa' } };
    const texts = {
      prompt: [text.slice(0, 16_000)],
      untrusted: Array.from({ length: 8 }, () => answer(text, call)),
    };
    const values = { file_id: ids, body: text.slice(0, 60_000) };
    await assertWithin(t, boundMs, () =>
      cpuMsOf(() => void evidenceOf(values, texts, toolWith({ effect: 'none' }))),
    );
  });
}

test('arguments of earlier calls, names of records and many dates do not hold anybody up either', async (t) => {
  const call = {
    tool: { ...listing, references: {} },
    arguments: { query: '\uFDFA'.repeat(80_000) },
  };
  const records = Array.from({ length: 999 }, (_, at) => ({ id: `x${at}`, name: `mee${at}` }));
  const days = Array.from({ length: 60 }, (_, at) => `2026-01-01T10:${at % 6}${at % 10}`);
  const texts = {
    prompt: ['meeting '.repeat(1_500)],
    untrusted: [
      answer(JSON.stringify(records)),
      answer('jan 1 '.repeat(10_900)),
      ...Array.from({ length: 32 }, () => answer('x', call)),
    ],
  };
  await assertWithin(t, boundMs, () => cpuMsOf(() => void evidenceOf({ file_id: days }, texts)));
});
