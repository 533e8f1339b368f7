import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noObligations } from '@modelhost/kernel';
import type { Decision } from '@modelhost/kernel';
import { toEvaluationAnswer } from './answer.ts';

const allowed: Decision = {
  effect: 'allow',
  reasons: [],
  obligations: {
    ...noObligations,
    redact: { detectors: { email: 'placeholder' }, arguments: [] },
    reveal: { to: ['email'] },
  },
  policyDigest: 'd',
  bundles: [],
};

test('what is hidden and where it comes back are obligations of their own, each of which the caller has to keep', () => {
  const answer = toEvaluationAnswer(allowed, undefined);
  assert.partialDeepStrictEqual(answer, {
    decision: true,
    context: {
      obligations: [
        { type: 'redact', detectors: { email: 'placeholder' }, arguments: [] },
        { type: 'reveal', arguments: { to: ['email'] } },
      ],
    },
  });
  assert.equal(toEvaluationAnswer(allowed, ['redact', 'reveal'])['decision'], true);
  assert.equal(toEvaluationAnswer(allowed, ['redact'])['decision'], false);
});
