import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { ApprovalRequestedSchema } from '@modelhost/contracts';
import type { ApprovalRequested } from '@modelhost/contracts';
import { createApprover } from './approver.ts';
import type { Approver, ApproverOptions } from './approver.ts';

interface Answer {
  readonly approvalId: string;
  readonly approved: boolean;
  readonly comment: string;
}

interface Fixture {
  readonly approver: Approver;
  readonly answers: Answer[];
  readonly said: string[];
  readonly failures: unknown[];
}

// Local, because a deadline is shown on the clock of whoever reads it.
const now = new Date(2026, 10, 25, 14, 50, 0);

function createFixture(options: Partial<ApproverOptions>): Fixture {
  const answers: Answer[] = [];
  const said: string[] = [];
  const failures: unknown[] = [];
  const approver = createApprover({
    runId: 'run_1',
    now: () => now.getTime(),
    mode: 'ask',
    ask: undefined,
    answerUnasked: false,
    say: (text) => void said.push(text),
    resolve: async (answer) => void answers.push(answer),
    onFailure: (thrown) => void failures.push(thrown),
    ...options,
  });
  return { approver, answers, said, failures };
}

function approval(
  approvalId: string,
  more: MessageInitShape<typeof ApprovalRequestedSchema> = {},
): ApprovalRequested {
  return create(ApprovalRequestedSchema, { approvalId, tool: 'files__write', ...more });
}

const forOthers = {
  gates: [
    { approvers: ['lead', 'owner'], quorum: 1, selfApprovalAllowed: false },
    { approvers: [], quorum: 2, selfApprovalAllowed: true },
  ],
  expireTime: timestampFromDate(new Date(2026, 10, 25, 15, 5, 0)),
};

test('yes and no answer by themselves and ask nobody', async () => {
  for (const mode of ['yes', 'no'] as const) {
    const { approver, answers, said } = createFixture({
      mode,
      ask: async () => assert.fail('nobody may be asked'),
    });
    await approver.requested(approval('apr_1'));
    assert.deepEqual(answers, [
      { approvalId: 'apr_1', approved: mode === 'yes', comment: `--approve ${mode}` },
    ]);
    assert.deepEqual(said, []);
  }
});

test('where nobody can be asked it says so, and the answer is the one that the command chose', async () => {
  for (const answerUnasked of [false, true]) {
    const { approver, answers, said } = createFixture({ answerUnasked });
    await approver.requested(approval('apr_1'));
    assert.equal(answers[0]?.approved, answerUnasked);
    const end = answerUnasked ? 'yes (--approve no refuses)' : 'no (--approve yes allows)';
    assert.ok((said[0] ?? '').endsWith(`nobody can be asked here, so the answer is ${end}`));
  }
});

test('only a clear yes is a yes', async () => {
  const lines = ['y', ' YES ', 'n', '', 'yeah', 'yes please', 'ok'];
  const { approver, answers } = createFixture({ ask: async () => lines.shift() ?? '' });
  await Promise.all(
    lines.map(async (_line, index) => approver.requested(approval(`apr_${index}`))),
  );
  const approved = answers.map((answer) => answer.approved);
  assert.deepEqual(approved, [true, true, false, false, false, false, false]);
});

test('questions are asked one after the other', async () => {
  let asking = 0;
  const { approver, answers } = createFixture({
    ask: async () => {
      asking += 1;
      assert.equal(asking, 1);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      asking -= 1;
      return 'y';
    },
  });
  const ids = ['apr_1', 'apr_2', 'apr_3'];
  await Promise.all(ids.map(async (id) => approver.requested(approval(id))));
  assert.deepEqual(
    answers.map(({ approvalId }) => approvalId),
    ids,
  );
});

test('a question that was answered elsewhere is taken back and not answered', async () => {
  const { approver, answers, failures } = createFixture({
    ask: async (_question, signal) => {
      const { promise, reject } = Promise.withResolvers<string>();
      signal.addEventListener('abort', () => reject(signal.reason));
      approver.resolved('apr_1');
      return promise;
    },
  });
  await approver.requested(approval('apr_1'));
  assert.deepEqual([answers, failures], [[], []]);
});

test('closing takes back the question and those behind it', async () => {
  const asked = Promise.withResolvers<void>();
  const { approver, answers, failures } = createFixture({
    ask: async (_question, signal) => {
      asked.resolve();
      const { promise, reject } = Promise.withResolvers<string>();
      signal.addEventListener('abort', () => reject(signal.reason));
      return promise;
    },
  });
  const dealtWith = ['apr_1', 'apr_2'].map(async (id) => approver.requested(approval(id)));
  await asked.promise;
  await approver.close();
  await Promise.all(dealtWith);
  assert.deepEqual([answers, failures], [[], []]);
});

test('an answer that the host refuses is told, and the next question is asked', async () => {
  let calls = 0;
  const refused = new Error('answered before');
  const { approver, failures } = createFixture({
    mode: 'yes',
    resolve: async () => {
      calls += 1;
      if (calls === 1) throw refused;
    },
  });
  await Promise.all(['apr_1', 'apr_2'].map(async (id) => approver.requested(approval(id))));
  assert.deepEqual([failures, calls], [[refused], 2]);
});

test('what the yes of others decides is neither asked nor answered, in any mode: it is said whose, until when and how', async () => {
  const nobody = async (): Promise<string> => assert.fail('nobody may be asked');
  for (const mode of ['ask', 'yes', 'no'] as const) {
    for (const ask of [nobody, undefined]) {
      const { approver, answers, said, failures } = createFixture({ mode, ask });
      await approver.requested(approval('apr_1', forOthers));
      await approver.close();
      assert.deepEqual([answers, failures], [[], []]);
      assert.deepEqual(said, [
        'approval apr_1 for files__write waits until 15:05:00 (in 15 min) for a yes from lead or owner, and 2 yeses of different people from anybody of the tenant; yours does not count, so you are not asked',
        'next, for them: `model-host runs approve run_1 apr_1`',
      ]);
    }
  }
});

test('where every gate lets who asked count, the one who asked is asked', async () => {
  const gate = { approvers: ['lead'], quorum: 1, selfApprovalAllowed: true };
  const { approver, answers } = createFixture({ ask: async () => 'y' });
  await approver.requested(approval('apr_1', { gates: [gate, gate] }));
  assert.deepEqual(answers, [{ approvalId: 'apr_1', approved: true, comment: '' }]);
});

test('a question behind one for others is asked all the same', async () => {
  const { approver, answers } = createFixture({ ask: async () => 'y' });
  await Promise.all([
    approver.requested(approval('apr_1', forOthers)),
    approver.requested(approval('apr_2')),
  ]);
  assert.deepEqual(
    answers.map(({ approvalId }) => approvalId),
    ['apr_2'],
  );
});

test('an answer that the host refuses is followed by who can give one', async () => {
  const gates = [{ approvers: ['lead'], quorum: 1, selfApprovalAllowed: true }];
  const { approver, said, failures } = createFixture({
    mode: 'yes',
    resolve: async () => {
      throw new Error('permission_denied');
    },
  });
  await approver.requested(approval('apr_1', { gates }));
  assert.equal(failures.length, 1);
  assert.deepEqual(said, [
    'approval apr_1 for files__write waits for a yes from lead',
    'next, for them: `model-host runs approve run_1 apr_1`',
  ]);
});
