import assert from 'node:assert/strict';
import test from 'node:test';
import { createDetectors, detectorNames } from '../index.ts';

const detectors = createDetectors({
  detectors: detectorNames.filter((name) => name !== 'secrets'),
});

function found(text: string): readonly string[] {
  return detectors
    .find(text)
    .findings.map(({ kind, start, end }) => `${kind} ${text.slice(start, end)}`);
}

const values: readonly (readonly [text: string, ...expected: string[]])[] = [
  ['write to <ann.lee+x@mail.example.org>, please', 'EMAIL ann.lee+x@mail.example.org'],
  ['https://host/?m=ann%40example.com&n=1', 'EMAIL ann%40example.com'],
  [
    'ann&#64;example.com or bob&#x40;example.com',
    'EMAIL ann&#64;example.com',
    'EMAIL bob&#x40;example.com',
  ],
  ['ann@example。com', 'EMAIL ann@example。com'],
  ['https://ann%40example.com:pw@host/', 'URL_CREDENTIALS ann%40example.com:pw'],
  ['mailto=bob@example.com', 'EMAIL bob@example.com'],
  ['schreib an jörg@straße.example', 'EMAIL jörg@straße.example'],
  ['call +44 (20) 7123 4567 today', 'PHONE +44 (20) 7123 4567'],
  ['or (415) 555-0132.', 'PHONE (415) 555-0132'],
  ['paid with 4111 1111 1111 1111 again', 'CARD 4111 1111 1111 1111'],
  ['full-width ４１１１１１１１１１１１１１１１', 'CARD ４１１１１１１１１１１１１１１１'],
  ['hidden 4111\u200b1111\u200b1111\u200b1111', 'CARD 4111\u200b1111\u200b1111\u200b1111'],
  ...['\n', '\r\n', '\t', '  '].map((gap): [string, string] => {
    const card = ['4111', '1111', '1111', '1111'].join(gap);
    return [`paid with ${card}, thanks`, `CARD ${card}`];
  }),
  ['wrapped 4111 1111\n1111 1111', 'CARD 4111 1111\n1111 1111'],
  ['column\n1000\n4111\n1111\n1111\n1111\n2000\n'],
  ['to DE89 3704 0044 0532 0130 00 by Monday', 'IBAN DE89 3704 0044 0532 0130 00'],
  ['from 10.0.0.12 and fe80::1', 'IP_ADDRESS 10.0.0.12', 'IP_ADDRESS fe80::1'],
  ['at 00:1a:2b:3c:4d:5e', 'MAC_ADDRESS 00:1a:2b:3c:4d:5e'],
  ['postgres://app:s3cr3t@db.local/main', 'URL_CREDENTIALS app:s3cr3t'],
  ['SSN 536-90-4399', 'US_SSN 536-90-4399'],
  ['née le 14/07/1990 à Lyon', 'BIRTH_DATE 14/07/1990'],
  ['date of birth: March 3, 1988', 'BIRTH_DATE March 3, 1988'],
  ['my PESEL is 44051401458', 'PL_PESEL 44051401458'],
  ['NIR 1 84 12 76 451 089 46', 'FR_NIR 1 84 12 76 451 089 46'],
  ['CPF 529.982.247-25', 'BR_CPF 529.982.247-25'],
  ['codice fiscale RSSMRA85T10A562S', 'IT_FISCAL_CODE RSSMRA85T10A562S'],
  ['DNI 12345678Z', 'ES_NIF 12345678Z'],
  ['pay 16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ', 'WALLET 16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ'],
];

for (const [text, ...expected] of values) {
  test(`found: ${expected.map((value) => value.split(' ')[0]).join(', ')} in a text of ${text.length}`, () => {
    assert.deepEqual(found(text), expected);
  });
}

/** As a number, which is what JSON makes of its digits. */
const asRead = (digits: string): string => String(Number(digits));

test('a card of which the last digits were lost when it was read as a number is found all the same', () => {
  // None of them has the right check digit any more.
  for (const digits of ['6212345678901234577', '4111111111111111110', '621234567890123456']) {
    assert.notEqual(asRead(digits), digits);
    assert.deepEqual(found(`{"n":${asRead(digits)}}`), [`CARD ${asRead(digits)}`]);
  }
  const others = [
    // Of no issuer, not rounded, too round to be meant, or of another length.
    asRead('1734567890123456789'),
    '6212345678901234500',
    '2500000000000000000',
    asRead('62123456789012345671'),
    '6212345678901235001',
  ];
  assert.deepEqual(
    others.flatMap((number) => found(`{"n":${number}}`)),
    [],
  );
});

test('what only looks like a value is left alone', () => {
  const ordinary = [
    'order 4111 1111 1111 1112',
    'version 1.2.3, 10:30:00, ratio 1:2:3:4, 192.168.1.256',
    'released on 2024-05-06 with 1748503543012 and 1024 files',
    'std::cout, MyClass::toString, @mention, a@b',
    'DE89 3704 0044 0532 0130 01',
    'ff:ff:ff:ff:ff:ff',
    'build 20240506123456 of 44051401458 rows',
    'see https://example.org:8080/path',
  ];
  assert.deepEqual(ordinary.flatMap(found), []);
});

test('a number that needs a word is taken without one where there are no words at all', () => {
  const only = createDetectors({ detectors: ['pl_pesel'] });
  assert.equal(only.find('44051401458').findings.length, 1);
  assert.equal(only.find('rows 44051401458').findings.length, 0);
  assert.equal(only.find('PESEL: 44051401458').findings.length, 1);
});
