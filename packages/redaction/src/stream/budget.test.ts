import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { detectorNames } from '../detector-names.ts';
import { createDetectors } from '../detectors.ts';
import { chunkSizes, cut } from '../fixtures/texts.ts';
import { createWorkBudget } from '../work-budget.ts';
import { createRedactor } from './redactor.ts';

const redactor = createRedactor({
  detectors: createDetectors({ detectors: detectorNames }),
  styles: Object.fromEntries(detectorNames.map((name) => [name, 'token'])),
});
const costly = ['DE89 3704 0044 0532 0130 01 ', '123-45-6789 ', 'nral: '];

test('what there was no budget for is hidden alike, however the text is cut', () => {
  const row = fc.constantFrom(...costly).map((value) => value.repeat(12_000 / value.length));
  const words = fc.constantFrom('', 'and then some plain words ', 'plain '.repeat(900));
  fc.assert(
    fc.property(fc.array(fc.tuple(row, words), { maxLength: 3 }), chunkSizes, (rows, sizes) => {
      const text = `${costly[0]?.repeat(2_000)}${rows.flat().join('')}`;
      const whole = redactor.redact(text);
      assert.equal(whole.isExhausted, true);
      const stream = redactor.stream();
      const streamed = cut(text, sizes).map((chunk) => stream.push(chunk));
      assert.equal(streamed.join('') + stream.end(), whole.text);
    }),
    { numRuns: 3 },
  );
});

test('a value behind what exhausts the budget does not come through, and plain words do', () => {
  const token = ['ghp', 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5'].join('_');
  const { text } = redactor.redact(
    `${costly[0]?.repeat(2_000)}\n${token} is just what it was. Thanks.`,
  );
  assert.ok(!text.includes(token));
  assert.ok(text.endsWith(' it was. Thanks.'));
});

test('change logs, code and JSON are looked at as a whole, however many words of rules they have', () => {
  const texts = [
    '* fix it, closes [#12](https://github.com/acme/tool/issues/12) ([a1b2c3d](https://github.com/acme/tool/commit/a1b2c3d))\n',
    '  if (key === undefined || token === null || state.secret === access.key) return;\n',
    '{"key":"a1","value":"b"},',
    'the dog of an access token, a secret and an API key; ',
  ];
  for (const text of texts) {
    const { isExhausted } = redactor.redact(text.repeat(64_000 / text.length));
    assert.equal(isExhausted, false, text);
  }
});

test('a budget that is exhausted goes on with what is earned, and holds no more than it began with', () => {
  const budget = createWorkBudget(100);
  assert.equal(budget.take(60), true);
  assert.equal(budget.take(60), false);
  assert.equal(budget.isExhausted(), true);
  budget.earn(1);
  assert.equal(budget.isExhausted(), false);
  budget.earn(1_000);
  assert.equal(budget.take(100), true);
  assert.equal(budget.take(1), false);
});
