import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { secretRules } from '@modelhost/redaction';
import { ruleSetOf } from './fixtures/decision-points.ts';
import type { RuleSet } from './index.ts';

function oblige(annotations: string, effect = 'permit'): RuleSet {
  const text = `@id("o") ${annotations} ${effect} (principal, action, resource);`;
  return ruleSetOf([{ name: 'oblige.cedar', text }]);
}

const refused: readonly (readonly [string, RegExp])[] = [
  ['@oblige("encrypt")', /unknown @oblige; write @oblige\("redact"\) or @oblige\("reveal"\)/],
  ['@oblige("redact")', /obliges to nothing, .* add @detectors or @style or @arguments/],
  ['@oblige("redact") @detectors("")', /empty or unusable name in @detectors/],
  ['@oblige("redact") @detectors("a,,b")', /empty or unusable name in @detectors/],
  [
    '@oblige("redact") @detectors("email") @style("blur")',
    /unknown @style; write @style\("placeholder"\) or @style\("token"\)/,
  ],
  ['@oblige("redact") @detectors("emial")', /unknown detector "emial".*; did you mean "email"\?/],
  [
    '@oblige("redact") @detectors("card,x")',
    /unknown detector "x".*; write one of secrets, email,/,
  ],
  ['@oblige("reveal")', /obliges to nothing, .* add @arguments or @detectors/],
  ['@oblige("reveal") @arguments("to")', /reveals without saying what/],
  ['@oblige("reveal") @detectors("email")', /reveals without saying where/],
  ['@oblige("reveal") @arguments("to") @detectors("us_ssn")', /unknown detector "us_ssn"/],
  ['@oblige("reveal") @arguments("to") @style("drop")', /@style, which is no part of/],
  ['@oblige("redact") @arguments("a b")', /unusable name in @arguments/],
  ['@oblige("redact") @arguments("a") @style("drop")', /@style without @detectors/],
  [
    '@oblige("redact") @arguments("a") @level("full")',
    /@level, which is no part of @oblige\("redact"\)/,
  ],
  ['@oblige("limit")', /obliges to nothing/],
  [
    '@oblige("limit") @timeout_ms_max("0")',
    /@timeout_ms_max out of bounds; use a whole number from 1/,
  ],
  ['@oblige("limit") @result_bytes_max("1e3")', /@result_bytes_max out of bounds/],
  ['@oblige("limit") @max_output_tokens("1000000001")', /@max_output_tokens out of bounds/],
  ['@oblige("transform")', /obliges to nothing/],
  ['@oblige("transform") @op("translate")', /unknown @op; write @op\("strip_invisible"\)/],
  ['@oblige("label")', /obliges to nothing/],
  ['@oblige("label") @integrity("trusted")', /unknown @integrity; write @integrity\("untrusted"\)/],
  ['@oblige("label") @confidentiality("private")', /unknown @confidentiality/],
  ['@oblige("audit")', /obliges to nothing/],
  ['@oblige("audit") @level("none")', /unknown @level/],
  ['@oblige("notify")', /obliges to nothing/],
  [`@oblige("notify") @channel("${'a,'.repeat(33)}a")`, /more than 32 names in @channel/],
  ['@oblige("notify") @channel("a") @remedy("approval")', /unknown annotation @remedy; known here/],
];

suite('annotations that oblige', () => {
  for (const [annotations, message] of refused) {
    test(`${annotations.slice(0, 60)} is refused with place and remedy`, () => {
      assert.throws(() => oblige(annotations), {
        code: 'config_invalid',
        message: new RegExp(`^oblige\\.cedar:1:1: rule "o" .*${message.source}`),
      });
    });
  }

  test('a forbid that obliges is refused, since it would never apply', () => {
    assert.throws(() => oblige('@oblige("audit") @level("full")', 'forbid'), {
      message: /@oblige on a forbid, which would never oblige to anything; write permit/,
    });
  });

  test('a single rule for secrets and a single kind of national number can be asked for', () => {
    const set = oblige('@oblige("redact") @detectors("us_ssn") @style("placeholder")');
    const redact = { detectors: { us_ssn: 'placeholder' }, arguments: [] };
    assert.deepEqual(set.oblige.rules[0]?.obligation?.redact, redact);
    oblige(`@oblige("redact") @detectors("${secretRules()[0]?.id}")`);
  });

  test('what is revealed is kept by the path of the argument', () => {
    const set = oblige('@oblige("reveal") @detectors("phone,email") @arguments("to, cc")');
    const detectors = ['email', 'phone'];
    assert.deepEqual(set.oblige.rules[0]?.obligation?.reveal, { cc: detectors, to: detectors });
  });

  test('names are kept once and sorted', () => {
    const set = oblige(
      '@oblige("redact") @detectors("phone, email,phone") @arguments("to , lines[0].x")',
    );
    assert.deepEqual(set.oblige.rules[0]?.obligation?.redact, {
      detectors: { email: 'mask', phone: 'mask' },
      arguments: ['lines[0].x', 'to'],
    });
  });
});
