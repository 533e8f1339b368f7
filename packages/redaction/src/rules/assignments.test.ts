import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { createDetectors } from '../detectors.ts';
import { createRedactor } from '../stream/redactor.ts';

const detectors = createDetectors({ detectors: ['secrets'] });
const redactor = createRedactor({ detectors, styles: { secrets: 'token' } });
const alphabet = 'ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789'.split('');
const forms = [
  'DB_PASSWORD=%',
  'export DB_PASSWORD="%"\n',
  'password: %\n',
  'password = %',
  '  db_pass: %',
  'API_KEY=%',
  '"apiKey": "%"',
  'X-Api-Key: %',
  'https://host/path?a=1&token=%&b=2',
  'the password is %',
  '--password %',
];

test('a random value behind a name that says what it is is hidden, and hardly any is not', () => {
  for (const form of forms) {
    const values = fc.sample(
      fc
        .array(fc.constantFrom(...alphabet), { minLength: 10, maxLength: 32 })
        .map((units) => units.join('')),
      { numRuns: 200, seed: 5 },
    );
    const passed = values.filter((value) =>
      redactor.redact(form.replace('%', value)).text.includes(value),
    );
    assert.ok(passed.length <= 8, `${form}: ${passed.length} of 200`);
  }
});

test('what an environment has as a password is one, though it is a word', () => {
  assert.equal(redactor.redact('PGPASSWORD=letmein psql').text, 'PGPASSWORD=[SECRET] psql');
  assert.equal(redactor.redact('db --password=Winter24 go').text, 'db --password=[SECRET] go');
});

test('the rest of a query, of a line and of markup stays', () => {
  const value = ['q8Zr2Lx9', 'Vb4Tn7Wc'].join('');
  assert.equal(redactor.redact(`/a?token=${value}&b=2`).text, '/a?token=[SECRET]&b=2');
  assert.equal(redactor.redact(`{password: ${value}, n: 1}`).text, '{password: [SECRET], n: 1}');
  assert.equal(redactor.redact(`<token>${value}</token>`).text, '<token>[SECRET]</token>');
});

test('templates, literals, small numbers, words and code are no secrets', () => {
  const texts = [
    'DB_PASSWORD=${DB_PASSWORD}',
    'API_KEY=<your key>',
    'API_KEY=xxxxxxxxxxxxxxxx',
    'password: true',
    'password: null,',
    'maxTokens: 200000,',
    'token: string;',
    'const token = await readToken(request);',
    'secret: options.secret,',
    'Password: the word that a person types',
    'The token: whatever comes next in the list.',
    'TOKEN_URL=https://host/token',
    'secretName: database-credentials',
    'tokenizer: cl100k4q7z',
    'PASSWORD_FILE=/run/secrets/a1b2c3',
  ];
  assert.deepEqual(
    texts.filter((text) => redactor.redact(text).text !== text),
    [],
  );
});
