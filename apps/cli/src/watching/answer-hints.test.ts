import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { RunEventSchema } from '@modelhost/contracts';
import { createAnswerHints } from './answer-hints.ts';

type Body = NonNullable<MessageInitShape<typeof RunEventSchema>['event']>;

const asked = (approvalId: string): Body => ({ case: 'approvalRequested', value: { approvalId } });
const answered = (approvalId: string): Body => ({
  case: 'approvalResolved',
  value: { approvalId },
});
const input: Body = { case: 'inputRequested', value: { inputId: 'inp_1' } };
const finished: Body = { case: 'runFinished', value: {} };

/** By event: the ids that were named when it had been shown. */
async function hintsOf(
  bodies: readonly Body[],
  readLastSequence: () => Promise<bigint>,
): Promise<readonly (readonly string[])[]> {
  let said: string[] = [];
  const say = (text: string): void => void said.push(...(text.match(/(?:apr|inp)_\d/g) ?? []));
  const hint = createAnswerHints({ runId: 'run_1', say, readLastSequence });
  const hints: (readonly string[])[] = [];
  for (const [index, event] of bodies.entries()) {
    said = [];
    await hint(create(RunEventSchema, { sequence: BigInt(index + 1), event }));
    hints.push(said);
  }
  return hints;
}

test('what is asked while a run is shown is told at once', async () => {
  const hints = await hintsOf([asked('apr_1'), input, answered('apr_1')], async () => 1n);
  assert.deepEqual(hints, [['apr_1'], ['inp_1'], []]);
});

test('of what was asked before only that is told which nobody has answered', async () => {
  const past = [asked('apr_1'), asked('apr_2'), answered('apr_1'), input];
  const hints = await hintsOf([...past, asked('apr_3')], async () => 4n);
  assert.deepEqual(hints, [[], [], [], ['apr_2', 'inp_1'], ['apr_3']]);
});

test('of a run that is over nothing is told, and where the host does not say so everything', async () => {
  const past = [asked('apr_1'), answered('apr_1'), asked('apr_2'), finished];
  assert.deepEqual(await hintsOf(past, async () => 4n), [[], [], [], []]);
  const unknown = await hintsOf(past, async () => Promise.reject(new Error('gone')));
  assert.deepEqual(unknown, [['apr_1'], [], ['apr_2'], []]);
});
