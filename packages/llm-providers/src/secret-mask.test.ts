import assert from 'node:assert/strict';
import { suite, test } from 'node:test';

import fc from 'fast-check';

import { createSecretMask } from './secret-mask.ts';

const key = 'Zq7Rk2Vw9Xy4Bn6Mt1Lp8';

/** Whether a text shows eight characters of the key in a row. */
function shows(text: string, secret: string): boolean {
  for (let at = 0; at + 8 <= secret.length; at += 1) {
    if (text.includes(secret.slice(at, at + 8))) return true;
  }
  return false;
}

suite('the mask over secrets', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9_-]{8,60}$/u);

  test('no text shows eight characters of a secret in a row', () => {
    fc.assert(
      fc.property(
        secret,
        fc.string(),
        fc.string(),
        fc.nat(),
        fc.nat(),
        (hidden, a, b, from, to) => {
          const part = hidden.slice(from % hidden.length, (to % hidden.length) + 1);
          const text = `${a}${hidden}${b}${part}${hidden}${hidden}`;
          assert.equal(shows(createSecretMask([hidden])(text), hidden), false);
        },
      ),
    );
  });

  test('takes shortened forms out', () => {
    const mask = createSecretMask([key]);
    for (const form of ['Zq7R...1Lp8', 'Zq7Rk2********1Lp8', '******Lp8', 'Zq7…Lp8', 'Zq7Rk…']) {
      assert.equal(mask(`key ${form} is wrong`), 'key [redacted] is wrong', form);
    }
  });

  test('takes out what looks like the key of somebody else', () => {
    const mask = createSecretMask([]);
    for (const form of ['sk-abcdefgh', 'gsk_1234abcd', 'AIzaSyA1234', 'sk-pr...wxyz', 'ab****yz']) {
      assert.equal(mask(`key ${form} is wrong`), 'key [redacted] is wrong', form);
    }
  });

  test('leaves other text as it is', () => {
    const mask = createSecretMask([key, 'abc']);
    const text = 'The model **x** does not exist... see abc at https://a.example/v1?x=1';
    assert.equal(mask(text), text);
  });

  test('a short secret is taken out whole', () => {
    assert.equal(createSecretMask(['hush'])('say hush now'), 'say [redacted] now');
  });
});
