import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { CompactionMethod, RunEventSchema } from '@modelhost/contracts';
import { createPaint } from './paint.ts';
import { renderEvent } from './timeline.ts';

const paint = createPaint(false);

function render(event: NonNullable<MessageInitShape<typeof RunEventSchema>['event']>): string {
  return renderEvent(create(RunEventSchema, { step: 'turn-2/model', event }), {
    paint,
    isVerbose: false,
  });
}

test('what happened to a run from outside is told in a line', () => {
  assert.match(render({ case: 'stepReset', value: { attempt: 2 } }), /interrupted: try 2 of \S/);
  const value = { fromSequence: 3n, toSequence: 9n };
  assert.match(render({ case: 'eventsDropped', value }), /events 3 to 9 are no longer kept/);
});

test('a compacted conversation is told in a line', () => {
  const sizes = { messagesBefore: 40, messagesAfter: 7, tokensBefore: 9_000n, tokensAfter: 900n };
  const counts = '40 to 7, about 9000 to 900 tokens';
  const tell = (method: CompactionMethod): string =>
    render({ case: 'contextCompacted', value: { ...sizes, method } });
  assert.ok(tell(CompactionMethod.SUMMARY).includes(`older messages summarized: ${counts}`));
  assert.ok(tell(CompactionMethod.CUT).includes(`older messages left out: ${counts}`));
});
