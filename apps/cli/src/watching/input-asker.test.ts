import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { InputAction, InputRequestedSchema } from '@modelhost/contracts';
import type { InputRequested } from '@modelhost/contracts';
import type { Ask } from '../context.ts';
import { createAskQueue } from './ask-queue.ts';
import { createInputAsker } from './input-asker.ts';
import type { GivenInput, InputAsker, InputAskerOptions } from './input-asker.ts';

const schemaJson = JSON.stringify({
  type: 'object',
  properties: { name: { type: 'string' }, age: { type: 'integer' } },
  required: ['name'],
});

function requestOf(
  inputId: string,
  change: { url?: string; schemaJson?: string } = {},
): InputRequested {
  return create(InputRequestedSchema, { inputId, tool: 'desk__write', schemaJson, ...change });
}

interface Fixture {
  readonly asker: InputAsker;
  readonly given: GivenInput[];
  readonly said: string[];
  readonly failures: unknown[];
}

function createFixture(ask: Ask | undefined, options: Partial<InputAskerOptions> = {}): Fixture {
  const given: GivenInput[] = [];
  const said: string[] = [];
  const failures: unknown[] = [];
  const asker = createInputAsker({
    queue: ask && createAskQueue(ask),
    say: (text) => void said.push(text),
    submit: async (input) => void given.push(input),
    readMisfit: () => undefined,
    onFailure: (thrown) => void failures.push(thrown),
    ...options,
  });
  return { asker, given, said, failures };
}

function lines(...typed: readonly string[]): Ask {
  const left = [...typed];
  return async () => left.shift() ?? assert.fail('one question too many');
}

function waiting(asked: () => void): Ask {
  return async (_question, signal) => {
    const { promise, reject } = Promise.withResolvers<string>();
    signal.addEventListener('abort', () => reject(signal.reason));
    asked();
    return promise;
  };
}

suite('input that a tool asks for', () => {
  test('a form is filled in field by field, and what may be left out can be', async () => {
    const { asker, given, said } = createFixture(lines('y', '', 'Ann', 'old', '42'));
    await asker.requested(requestOf('inp_1'));
    assert.deepEqual(given, [
      { inputId: 'inp_1', action: InputAction.ACCEPT, contentJson: '{"name":"Ann","age":42}' },
    ]);
    assert.deepEqual(
      said.map((text) => text.trim()),
      ['it has to be given', 'write a whole number'],
    );
    const without = createFixture(lines('yes', 'Ann', ''));
    await without.asker.requested(requestOf('inp_1'));
    assert.equal(without.given[0]?.contentJson, '{"name":"Ann"}');
  });

  test('only a clear no declines, and what is no clear yes cancels', async () => {
    for (const [line, action] of [
      ['n', InputAction.DECLINE],
      [' NO ', InputAction.DECLINE],
      ['', InputAction.CANCEL],
      ['yeah', InputAction.CANCEL],
    ] as const) {
      const { asker, given } = createFixture(lines(line));
      await asker.requested(requestOf('inp_1'));
      assert.deepEqual(given, [{ inputId: 'inp_1', action, contentJson: '' }]);
    }
  });

  test('an address is only agreed to', async () => {
    const { asker, given } = createFixture(lines('y'));
    await asker.requested(requestOf('inp_1', { url: 'https://pay.example', schemaJson: '' }));
    assert.deepEqual(given, [{ inputId: 'inp_1', action: InputAction.ACCEPT, contentJson: '' }]);
  });

  test('nobody can be asked, nothing fits three times, or the form is of a newer kind: it is cancelled', async () => {
    const mute = createFixture(undefined);
    await mute.asker.requested(requestOf('inp_1'));
    assert.match(mute.said[0] ?? '', /nobody can be asked here/);
    const clumsy = createFixture(lines('y', '', '', ''));
    await clumsy.asker.requested(requestOf('inp_1'));
    const newer = createFixture(lines('y'));
    await newer.asker.requested(requestOf('inp_1', { schemaJson: '{"type":"array"}' }));
    for (const { given } of [mute, clumsy, newer])
      assert.equal(given[0]?.action, InputAction.CANCEL);
  });

  test('content that the host refuses is asked for again, at most three times', async () => {
    const misfit = new Error('content_json.name: too short');
    const refusals = { left: 1 };
    const options: Partial<InputAskerOptions> = {
      readMisfit: (thrown) => (thrown === misfit ? 'too short' : undefined),
      submit: async ({ action, contentJson }) => {
        refusals.left -= 1;
        if (refusals.left >= 0 && action === InputAction.ACCEPT) throw misfit;
        taken.push(contentJson);
      },
    };
    const taken: string[] = [];
    const twice = createFixture(lines('y', 'A', '', 'y', 'Ann', ''), options);
    await twice.asker.requested(requestOf('inp_1'));
    assert.deepEqual([taken, twice.said], [['{"name":"Ann"}'], ['too short']]);
    refusals.left = 3;
    const never = createFixture(lines('y', 'A', '', 'y', 'A', '', 'y', 'A', ''), options);
    await never.asker.requested(requestOf('inp_1'));
    assert.equal(taken.at(-1), '');
  });

  test('any other failure is told and not tried again', async () => {
    const failure = new Error('gone');
    const { asker, failures } = createFixture(lines('n'), {
      submit: async () => {
        throw failure;
      },
    });
    await asker.requested(requestOf('inp_1'));
    assert.deepEqual(failures, [failure]);
  });

  test('what was answered elsewhere, or is closed, is taken back and not answered', async () => {
    const asked = Promise.withResolvers<void>();
    const { asker, given, failures } = createFixture(waiting(asked.resolve));
    const dealt = ['inp_1', 'inp_2'].map(async (id) => asker.requested(requestOf(id)));
    await asked.promise;
    asker.resolved('inp_1');
    await dealt[0];
    await asker.close();
    await Promise.all(dealt);
    assert.deepEqual([given, failures], [[], []]);
  });

  test('questions of all kinds share the terminal, one after the other', async () => {
    let asking = 0;
    const queue = createAskQueue(async () => {
      asking += 1;
      assert.equal(asking, 1);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      asking -= 1;
      return 'n';
    });
    const { asker, given } = createFixture(undefined, { queue });
    const { signal } = new AbortController();
    const failing = queue(async () => Promise.reject(new Error('no terminal')));
    await assert.rejects(failing, /no terminal/);
    const other = queue(async (ask) => ask('Allow?', signal));
    await Promise.all([
      asker.requested(requestOf('inp_1')),
      asker.requested(requestOf('inp_2')),
      other,
    ]);
    assert.equal(given.length, 2);
  });
});
