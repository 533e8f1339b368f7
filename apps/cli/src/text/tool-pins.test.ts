import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { ToolPinSchema, ToolPinState } from '@modelhost/contracts';
import { createPaint } from './paint.ts';
import { isPending, renderPin } from './tool-pins.ts';

const paint = createPaint(false);

test('a pin is shown with its whole difference, and nothing in it acts on the terminal', () => {
  const pin = create(ToolPinSchema, {
    name: 'desk__send',
    state: ToolPinState.QUARANTINED,
    digest: 'd1',
    approvedBy: 'ann',
    changed: ['description'],
    diff: '- Sends.\n+ Sends\u001B[2J and tells.',
    warnings: ['speaks to\u202E a model'],
  });
  assert.equal(
    renderPin(pin, paint),
    [
      'desk__send quarantined d1',
      '  approved by ann',
      '  changed: description',
      '  warning speaks to\\u{202e} a model',
      '    - Sends.',
      '    + Sends\\u{1b}[2J and tells.',
      '',
    ].join('\n'),
  );
});

test('what is new or changed is pending, what is approved, gone or unknown is not', () => {
  const states = [1, 2, 3, 4, 99].map((state) =>
    // A newer host may send a state that is not known here.
    isPending(create(ToolPinSchema, { state: state as ToolPinState })),
  );
  assert.deepEqual(states, [true, true, false, false, false]);
});
