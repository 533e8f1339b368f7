import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createJsonSchemas } from '@modelhost/json-schema';
import type { ModelRequest, ToolAnswer, ToolGateway } from '@modelhost/kernel';
import { secret } from './canaries.ts';
import { createTool, textAnswer } from './outside.ts';
import type { ModelTurn, OutsideOptions } from './outside.ts';
import { assertReplays, bodies, play } from './play.ts';

const handle = 'result://1f0a';
const cut: ToolAnswer = {
  ...textAnswer(`begin\n[cut after 5 of 12 bytes; the rest is in ${handle} from offset 5]`),
  isTruncated: true,
};

function worldOf(
  turns: readonly ModelTurn[],
  readResult: ToolGateway['readResult'] & {},
  answer = cut,
): OutsideOptions {
  const tools = [createTool('desk__read', 'none')];
  return { turns, tools, schemas: createJsonSchemas(), callTool: async () => answer, readResult };
}

function readOn(values: object): ModelTurn {
  return { calls: [['read_result', JSON.stringify(values)]] };
}

const look: ModelTurn = { calls: [['desk__read', '{}']] };
const done: ModelTurn = { text: 'done' };

function offeredIn(requests: readonly ModelRequest[]): readonly (readonly string[])[] {
  return requests.map(({ tools }) => tools.map(({ name }) => name));
}

function lastMessage(request: ModelRequest | undefined): unknown {
  const message = request?.messages.at(-1);
  return message?.role === 'tool' ? message.content : undefined;
}

suite('results that were cut', () => {
  test('are read on by the model, piece by piece, and a replay reads nothing', async () => {
    const asked: unknown[] = [];
    const played = await play(
      worldOf(
        [look, readOn({ handle, offset: 5 }), readOn({ handle, offset: 9 }), done],
        ({ tenant, subject }, ...place) => {
          asked.push([tenant, subject, ...place]);
          return place[1] === 5
            ? {
                ...textAnswer(`midd\n[bytes 5 to 9 of 12; the rest is in ${handle} from offset 9]`),
                isTruncated: true,
              }
            : textAnswer('end');
        },
      ),
    );
    const { tenant, subject } = played.input.principal;
    assert.deepEqual(asked, [
      [tenant, subject, handle, 5],
      [tenant, subject, handle, 9],
    ]);
    const { requests, questions, calls } = played.outside;
    const both = ['desk__read', 'read_result'];
    assert.deepEqual(offeredIn(requests), [['desk__read'], both, both, both]);
    assert.equal(
      lastMessage(requests[1]),
      `begin\n[cut after 5 of 12 bytes; the rest is in ${handle} from offset 5]\n[Read on with read_result.]`,
    );
    assert.equal(lastMessage(requests[3]), 'end');
    // What was given already is no new call of the tool, but it counts as one.
    assert.equal(calls.length, 1);
    assert.equal(questions.filter(({ action }) => action === 'CallTool').length, 1);
    assert.equal(played.result.statistics.toolCalls, 3);
    assert.deepEqual(played.result.ending, { reason: 'completed', answer: 'done' });
    await assertReplays(played);
  });

  test('never show a secret in two halves, wherever they are cut', async () => {
    const whole = `The first token is ${secret} and the next one is 4711, see below.`;
    for (let at = 5; at < whole.length; at += 11) {
      const rest = `the rest is in ${handle} from offset ${at}]`;
      const played = await play({
        ...worldOf(
          [look, readOn({ handle, offset: at }), done],
          (_principal, _handle, offset) => textAnswer(whole.slice(offset)),
          {
            ...textAnswer(
              `${whole.slice(0, at)}\n[cut after ${at} of ${whole.length} bytes; ${rest}`,
            ),
            isTruncated: true,
          },
        ),
        always: { secrets: 'token' },
      });
      const [first = '', second = ''] = bodies(played, 'tool-finished').map(
        ({ content }) => content,
      );
      const shown = first.slice(0, first.indexOf('\n[cut after')) + second;
      assert.equal(shown, whole.replace(secret, '[SECRET]'));
      await assertReplays(played);
    }
  });

  test('that are not there, or no longer, are an error for the model', async () => {
    const played = await play(
      worldOf([look, readOn({ handle: 'result://of-bob' }), done], () => undefined),
    );
    const [, finished] = bodies(played, 'tool-finished');
    assert.deepEqual(
      [finished?.outcome, finished?.error?.code, finished?.content],
      ['failed', 'not_found', 'Error not_found: there is no such result, or it is no longer kept'],
    );
    assert.equal(played.result.ending.reason, 'completed');
    await assertReplays(played);
  });

  test('are not looked for with arguments that do not fit', async () => {
    const reject = (): never => assert.fail('nobody should read on');
    const wrong = [
      {},
      { handle: 5 },
      { handle, offset: -1 },
      { handle, offset: 0.5 },
      { handle, more: 1 },
    ];
    for (const values of wrong) {
      const played = await play(worldOf([look, readOn(values), done], reject));
      assert.equal(bodies(played, 'tool-finished')[1]?.outcome, 'invalid_arguments');
    }
  });

  test('are read by no run that was given none, nor by one whose caller has a tool of that name', async () => {
    const reject = (): never => assert.fail('nobody should read on');
    const forged = textAnswer(`x\n[the rest is in ${handle} from offset 5]`);
    const lost = { ...textAnswer('begin'), isTruncated: true };
    for (const answer of [forged, lost]) {
      const played = await play(worldOf([look, readOn({ handle }), done], reject, answer));
      assert.deepEqual(new Set(offeredIn(played.outside.requests).flat()), new Set(['desk__read']));
      assert.equal(bodies(played, 'tool-finished')[1]?.error?.code, 'mcp_tool_not_found');
    }
    const own = createTool('read_result', 'none');
    const played = await play(
      worldOf([look, readOn({ handle }), done], reject),
      { clientTools: [own] },
      (body, act) =>
        body.type === 'tool-requested' && body.executor === 'client'
          ? act.signal(`tool-result/${body.callId}`, {
              type: 'tool-result',
              content: 'mine',
              isError: false,
            })
          : undefined,
    );
    assert.equal(lastMessage(played.outside.requests[2]), 'mine');
    assert.match(
      String(lastMessage(played.outside.requests[1])),
      /longer than the host lets through/,
    );
  });
});
