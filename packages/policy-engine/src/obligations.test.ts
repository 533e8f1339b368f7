import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { noObligations } from '@modelhost/kernel';
import { isAtLeastAsStrict, someObligations } from './fixtures/obligations.ts';
import { joinObligations as join, unsupportedFeatures } from './obligations.ts';

suite('obligations joined', () => {
  test('in any order and grouping, and however often, they are the same bytes', () => {
    fc.assert(
      fc.property(someObligations, someObligations, someObligations, (one, two, three) => {
        const bytes = JSON.stringify(join(join(one, two), three));
        assert.equal(JSON.stringify(join(one, join(two, three))), bytes);
        assert.equal(JSON.stringify(join(join(three, two), one)), bytes);
        assert.equal(JSON.stringify(join(join(join(one, two), three), two)), bytes);
      }),
    );
  });

  test('nothing demanded changes nothing', () => {
    fc.assert(
      fc.property(someObligations, (one) => {
        assert.deepEqual(join(one, noObligations), one);
        assert.deepEqual(join(noObligations, one), one);
      }),
    );
  });

  test('are at least as strict as each of them', () => {
    fc.assert(
      fc.property(someObligations, someObligations, (one, two) => {
        const joined = join(one, two);
        assert.ok(isAtLeastAsStrict(joined, one) && isAtLeastAsStrict(joined, two));
      }),
    );
  });

  test('what is demanded and not supported is named, each by its kind', () => {
    assert.deepEqual(unsupportedFeatures(noObligations, []), []);
    const all = join(
      {
        redact: { detectors: { card: 'mask' }, arguments: ['a'] },
        reveal: { to: ['email'] },
        limits: { maxOutputTokens: 1, resultBytesMax: 1, timeoutMsMax: 1 },
        transforms: ['strip_links'],
        labels: { ...noObligations.labels, compartments: ['pii'] },
        audit: 'full',
        notify: ['ops'],
      },
      noObligations,
    );
    assert.deepEqual(unsupportedFeatures(all, ['audit', 'labels']), [
      'redact.detectors',
      'redact.arguments',
      'reveal',
      'limits.maxOutputTokens',
      'limits.resultBytesMax',
      'limits.timeoutMsMax',
      'transforms',
      'notify',
    ]);
  });
});
