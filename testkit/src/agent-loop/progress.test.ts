import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createJsonSchemas } from '@modelhost/json-schema';
import type { ToolProgress } from '@modelhost/kernel';
import fc from 'fast-check';
import { createTool, textAnswer } from './outside.ts';
import type { OutsideOptions } from './outside.ts';
import { assertReplays, bodies, play } from './play.ts';
import type { Played } from './play.ts';

function tell(progress: number, total?: number, message = ''): ToolProgress {
  return { progress, total, message };
}

function worldOf(callTool: OutsideOptions['callTool'] & {}): OutsideOptions {
  return {
    turns: [{ calls: [['desk__write', '{}']] }, { text: 'done' }],
    tools: [createTool('desk__write', 'idempotent')],
    schemas: createJsonSchemas(),
    callTool,
  };
}

async function playTold(told: readonly ToolProgress[]): Promise<Played> {
  return play(
    worldOf(async (_invocation, _signal, onProgress) => {
      for (const progress of told) onProgress(progress);
      return textAnswer('ok');
    }),
  );
}

suite('progress of a call', () => {
  test('comes as events of the call, and from the journal too', async () => {
    const played = await playTold([tell(1, 3, 'one'), tell(2, 3), tell(3, 3, 'all')]);
    const [requested] = bodies(played, 'tool-requested');
    assert.deepEqual(
      bodies(played, 'tool-progress').map(({ callId, progress, total, message }) => [
        callId === requested?.callId,
        progress,
        total,
        message,
      ]),
      [
        [true, 1, 3, 'one'],
        [true, 2, 3, ''],
        [true, 3, 3, 'all'],
      ],
    );
    await assertReplays(played);
  });

  test('never goes back, is bounded, and where the total is known its end is told', async () => {
    const number = fc.oneof(fc.nat(50), fc.double());
    const told = fc.array(
      fc.record({
        progress: number,
        total: fc.option(number, { nil: undefined }),
        message: fc.string(),
      }),
      { maxLength: 400 },
    );
    await fc.assert(
      fc.asyncProperty(told, async (items) => {
        const seen = bodies(await playTold(items), 'tool-progress').map(({ progress }) => progress);
        assert.ok(seen.length <= 100);
        for (const [index, progress] of seen.entries()) {
          assert.ok(Number.isFinite(progress) && progress > (seen[index - 1] ?? -Infinity));
        }
      }),
      { numRuns: 50 },
    );
    const many = await playTold(
      Array.from({ length: 5_000 }, (_, index) => tell(index + 1, 5_000)),
    );
    assert.equal(bodies(many, 'tool-progress').at(-1)?.progress, 5_000);
    const unknown = await playTold(Array.from({ length: 5_000 }, (_, index) => tell(index)));
    assert.equal(bodies(unknown, 'tool-progress').length, 100);
  });

  test('is shown without what is invisible, and cut', async () => {
    const played = await playTold([tell(1, 2, `ru\u200Bn\u001B[1m${'y'.repeat(2_000)}`)]);
    const message = bodies(played, 'tool-progress')[0]?.message ?? '';
    assert.ok(message.startsWith('runyyy'));
    assert.equal(message.length, 500);
  });

  test('goes on over the rounds of a call, and after the call nothing comes any more', async () => {
    let late: (progress: ToolProgress) => void = () => {};
    const params = { message: 'go on?', requestedSchema: { type: 'object', properties: {} } };
    const played = await play(
      worldOf(async ({ resume }, _signal, onProgress) => {
        onProgress(tell(resume === undefined ? 2 : 1, 4));
        onProgress(tell(resume === undefined ? 2 : 3, 4));
        late = onProgress;
        return resume === undefined
          ? {
              type: 'input-required',
              state: '',
              requests: { on: { method: 'elicitation/create', params } },
            }
          : textAnswer('ok');
      }),
      {},
      (body, act) => {
        if (body.type === 'tool-finished') late(tell(4, 4));
        return body.type === 'input-requested'
          ? act.signal(`tool-input/${body.inputId}`, {
              type: 'tool-input',
              action: 'accept',
              content: {},
              by: 'ann',
            })
          : undefined;
      },
    );
    assert.deepEqual(
      bodies(played, 'tool-progress').map(({ progress }) => progress),
      [2, 3],
    );
    await assertReplays(played);
  });
});
