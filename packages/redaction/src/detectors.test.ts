import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { detectorNames, detectorTable, isDetectorName } from './detector-names.ts';
import { createDetectors } from './detectors.ts';
import { createRedactor } from './stream/redactor.ts';
import { createWorkBudget } from './work-budget.ts';

const detectors = createDetectors({
  detectors: [...detectorNames, 'term'],
  terms: ['falcon'],
});
const piece = fc.constantFrom(
  'a@b.example',
  '4111 1111 1111 1111',
  'DE89 3704 0044 0532 0130 00',
  '+49 30 1234567',
  'api_key=',
  'q8Zr2Lx9Vb4Tn7Wc1',
  'https://u:p@h/',
  'falcon',
  ' ',
  '\u200b',
  '\u{1f600}',
  '７',
  '1',
  'x',
  '-',
  '"',
);

test('findings lie within the text, in order, apart from one another and around whole characters', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('');
      let last = 0;
      for (const { start, end } of detectors.find(text).findings) {
        assert.ok(start >= last && end > start && end <= text.length);
        assert.ok(text.slice(start, end).isWellFormed());
        last = end;
      }
    }),
    { numRuns: 500 },
  );
});

test('the same text gives the same answer, whatever was asked before', () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 8 }),
      fc.array(piece, { maxLength: 8 }),
      (one, other) => {
        const text = one.join('');
        const before = detectors.find(text);
        detectors.find(other.join(''));
        assert.deepEqual(detectors.find(text), before);
      },
    ),
    { numRuns: 200 },
  );
});

test('a detector that is not there is refused by name', () => {
  assert.throws(
    () => createDetectors({ detectors: ['email', 'emial'] }),
    /there is no detector "emial"/,
  );
});

test('a single rule or kind can be asked for', () => {
  const { findings } = createDetectors({ detectors: ['ca_sin'] }).find(
    'my SIN is 130-692-544, a@b.example',
  );
  assert.deepEqual(
    findings.map(({ kind }) => kind),
    ['CA_SIN'],
  );
});

test('an exhausted budget is said', () => {
  const text = 'a 1 b 2 c 3 '.repeat(50);
  assert.equal(detectors.find(text, { budget: createWorkBudget(100) }).isExhausted, true);
  assert.equal(detectors.find(text).isExhausted, false);
});

test('every name of the table is a detector, alone and together with the others', () => {
  for (const { name } of detectorTable) {
    assert.ok(isDetectorName(name));
    assert.ok(createDetectors({ detectors: [name], terms: ['falcon'] }));
  }
  assert.ok(isDetectorName('us_ssn') && isDetectorName('github-pat') && !isDetectorName('emial'));
  assert.deepEqual(
    detectorTable.filter(({ name }) => !detectorNames.includes(name)).map(({ name }) => name),
    ['term'],
  );
});

test('what does not show hides no value, wherever it stands in it', () => {
  const hidden = [
    '\u0000',
    '\u0007',
    '\b',
    '\u007f',
    '\u0090',
    '\ue000',
    '\u{f0000}',
    '\u2028',
    '\u2800',
    '\u001b[31m',
    '\u001b[m',
  ];
  const token = ['ghp', 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5'].join('_');
  const redactor = createRedactor({ detectors, styles: { secrets: 'drop', email: 'drop' } });
  for (const value of [token, 'ann.lee@example.org']) {
    for (const character of hidden) {
      for (let at = 1; at < value.length; at += 1) {
        const text = `to ${value.slice(0, at)}${character}${value.slice(at)} now`;
        assert.equal(redactor.redact(text).text, 'to  now', JSON.stringify(text));
      }
    }
  }
});

test('what only a terminal reads may be part of a value', () => {
  const token = ['ghp', 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5'].join('_');
  const redactor = createRedactor({ detectors, styles: { secrets: 'token', card: 'token' } });
  assert.ok(!redactor.redact(`a \u001b[${token} b`).text.includes(token.slice(6)));
  assert.ok(!redactor.redact('a \u001b[4111111111111111m b').text.includes('4111'));
});
