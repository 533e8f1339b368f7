import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { create } from '@bufbuild/protobuf';
import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  InputAction,
  ResolveApprovalRequestSchema,
  SubmitInputRequestSchema,
} from '@modelhost/contracts';
import {
  createEmbeddedEngine,
  createMemoryRunStore,
  createPlainCodec,
} from '@modelhost/engine-embedded';
import type { EmbeddedEngine } from '@modelhost/engine-embedded';
import { createJsonSchemas } from '@modelhost/json-schema';
import { HostError, noStatistics } from '@modelhost/kernel';
import type { JsonObject, RunProgram, SignalPayload } from '@modelhost/kernel';
import { createSystemClock } from '../clock.ts';
import { readChanged } from '../fixtures/run-specs.ts';
import { createAnswers } from './answers.ts';
import { toRunMessage } from './run-message.ts';

const schema: JsonObject = {
  type: 'object',
  properties: { name: { type: 'string', minLength: 2 } },
  required: ['name'],
  additionalProperties: false,
};

interface Waiting {
  readonly submit: (
    request: MessageInitShape<typeof SubmitInputRequestSchema>,
    tenant?: string,
  ) => Promise<unknown>;
  /** What the run was given, once it was. */
  readonly given: Promise<SignalPayload | undefined>;
  readonly awaited: () => Promise<readonly unknown[]>;
}

/** A run of `acme` that waits for the input `inp_1`. */
async function startWaiting(t: TestContext, accepts: JsonObject | undefined): Promise<Waiting> {
  const { promise: given, resolve } = Promise.withResolvers<SignalPayload | undefined>();
  const program: RunProgram = async (context) => {
    const wait = {
      timeoutMs: 60_000,
      approvers: [],
      ...(accepts === undefined ? {} : { accepts }),
    };
    resolve(await context.waitForSignal('tool-input/inp_1', wait));
    return { ending: { reason: 'completed', answer: '' }, statistics: noStatistics };
  };
  const engine = await createEngine(program);
  t.after(async () => engine.close());
  const principal = { tenant: 'acme', subject: 'ann', roles: [] };
  const { requestId: _requestId, ...spec } = readChanged({});
  const budget = { ...spec.budget, durationMsMax: 60_000 };
  await engine.start({ ...spec, budget, runId: 'run_1', principal });
  await settled(engine);
  const answers = createAnswers(engine, createJsonSchemas());
  return {
    submit: async (request, tenant = 'acme') =>
      answers.submitInput(
        create(SubmitInputRequestSchema, { runId: 'run_1', inputId: 'inp_1', ...request }),
        {
          principal: { ...principal, tenant },
          signal: new AbortController().signal,
          timeoutMs: 60_000,
        },
      ),
    given,
    awaited: async () => {
      const status = await engine.status('acme', 'run_1');
      return status === undefined
        ? []
        : (toRunMessage(status).waitingFor ?? []).map(({ signal }) => signal);
    },
  };
}

async function refusalOf(work: Promise<unknown>): Promise<HostError> {
  return work.then(
    () => assert.fail('nothing was refused'),
    (thrown: unknown) => (thrown instanceof HostError ? thrown : assert.fail(String(thrown))),
  );
}

const accept = { action: InputAction.ACCEPT, contentJson: '{"name":"Ann"}' };

suite('input for a tool', () => {
  test('reaches the run with the name of who gave it, once', async (t) => {
    const { submit, given, awaited } = await startWaiting(t, schema);
    assert.deepEqual(await awaited(), [{ case: 'inputId', value: 'inp_1' }]);
    await submit(accept);
    assert.deepEqual(await given, {
      type: 'tool-input',
      action: 'accept',
      content: { name: 'Ann' },
      by: 'ann',
    });
    assert.equal((await refusalOf(submit(accept))).code, 'failed_precondition');
  });

  test('that does not fit is refused by field, and another answer may be given', async (t) => {
    const { submit, given } = await startWaiting(t, schema);
    for (const [contentJson, field] of [
      ['', 'content_json.name'],
      ['{"name":7}', 'content_json.name'],
      ['{"name":"Ann","more":1}', 'content_json.more'],
      ['[]', 'content_json'],
      ['{', 'content_json'],
      [`{"name":"${'x'.repeat(70_000)}"}`, 'content_json'],
    ] as const) {
      const refusal = await refusalOf(submit({ ...accept, contentJson }));
      assert.equal(refusal.code, 'validation_failed');
      assert.equal(refusal.violations[0]?.field, field);
    }
    await submit(accept);
    assert.equal((await given)?.type, 'tool-input');
  });

  test('may be declined or cancelled, without content', async (t) => {
    for (const [action, name] of [
      [InputAction.DECLINE, 'decline'],
      [InputAction.CANCEL, 'cancel'],
    ] as const) {
      const { submit, given } = await startWaiting(t, schema);
      const refusal = await refusalOf(submit({ ...accept, action }));
      assert.equal(refusal.violations[0]?.field, 'content_json');
      await submit({ action });
      assert.partialDeepStrictEqual(await given, { action: name, content: {} });
    }
  });

  test('that is given at a URL has no content here', async (t) => {
    const { submit, given } = await startWaiting(t, undefined);
    assert.equal((await refusalOf(submit(accept))).violations[0]?.field, 'content_json');
    await submit({ action: InputAction.ACCEPT });
    assert.partialDeepStrictEqual(await given, { action: 'accept', content: {} });
  });

  test('is refused without an action or ids, and for what nobody asked or another tenant has', async (t) => {
    const { submit, awaited } = await startWaiting(t, schema);
    // A newer caller may send an action that is not known here.
    for (const action of [InputAction.UNSPECIFIED, 99 as InputAction]) {
      assert.equal((await refusalOf(submit({ ...accept, action }))).violations[0]?.field, 'action');
    }
    assert.equal((await refusalOf(submit({ ...accept, inputId: '' }))).code, 'validation_failed');
    assert.equal(
      (await refusalOf(submit({ ...accept, inputId: 'inp_2' }))).code,
      'failed_precondition',
    );
    assert.equal((await refusalOf(submit(accept, 'evil'))).code, 'not_found');
    assert.equal((await awaited()).length, 1);
  });
});

suite('a vote on an approval', () => {
  /** A run of ann that waits for two votes of leads, one after the other. */
  async function startVoting(t: TestContext) {
    const votes: (SignalPayload | undefined)[] = [];
    const program: RunProgram = async (context) => {
      for (const [vote, refused] of [
        [1, ['ann']],
        [2, ['ann', 'bob']],
      ] as const) {
        const wait = { timeoutMs: 60_000, approvers: ['lead'], refused };
        votes.push(await context.waitForSignal(`approval/apr_1/${vote}`, wait));
      }
      return { ending: { reason: 'completed', answer: '' }, statistics: noStatistics };
    };
    const engine = await createEngine(program);
    t.after(async () => engine.close());
    const { requestId: _requestId, ...spec } = readChanged({});
    const budget = { ...spec.budget, durationMsMax: 60_000 };
    const principal = { tenant: 'acme', subject: 'ann', roles: ['lead'] };
    await engine.start({ ...spec, budget, runId: 'run_1', principal });
    await settled(engine);
    const answers = createAnswers(engine, createJsonSchemas());
    const cast = async (
      approved: boolean,
      {
        subject,
        roles,
        approvalId,
      }: Readonly<Record<'subject' | 'approvalId', string>> & {
        readonly roles: readonly string[];
      },
    ) => {
      const request = { runId: 'run_1', approvalId, approved, comment: 'fine' };
      await answers.resolveApproval(create(ResolveApprovalRequestSchema, request), {
        principal: { tenant: 'acme', subject, roles },
        signal: new AbortController().signal,
        timeoutMs: 60_000,
      });
      await settled(engine);
    };
    const vote = async (subject: string, roles = ['lead'], approvalId = 'apr_1') =>
      cast(true, { subject, roles, approvalId });
    const refuse = async (subject: string, roles: readonly string[]) =>
      cast(false, { subject, roles, approvalId: 'apr_1' });
    return { vote, refuse, votes, engine };
  }

  test('counts under the id that was shown, with the roles of who gave it', async (t) => {
    const { vote, votes, engine } = await startVoting(t);
    const status = await engine.status('acme', 'run_1');
    assert.ok(status !== undefined);
    assert.deepEqual(toRunMessage(status).waitingFor?.[0]?.signal, {
      case: 'approvalId',
      value: 'apr_1',
    });
    await vote('bob', ['lead', 'chief']);
    await vote('cem');
    assert.deepEqual(votes, [
      { type: 'approval', approved: true, by: 'bob', roles: ['lead', 'chief'], comment: 'fine' },
      { type: 'approval', approved: true, by: 'cem', roles: ['lead'], comment: 'fine' },
    ]);
  });

  test('is refused to whoever asked, has voted or has no role for it, and says why', async (t) => {
    const { vote, votes } = await startVoting(t);
    const own = await refusalOf(vote('ann'));
    assert.equal(own.code, 'failed_precondition');
    assert.match(own.message, /the call is your own/);
    assert.equal((await refusalOf(vote('dan', ['clerk']))).code, 'permission_denied');
    assert.equal((await refusalOf(vote('bob', ['lead'], 'apr'))).code, 'failed_precondition');
    await vote('bob');
    const again = await refusalOf(vote('bob'));
    assert.equal(again.code, 'failed_precondition');
    assert.match(again.message, /voted on it already/);
    assert.equal(votes.length, 1);
  });

  test('may be a no of whoever asked or has said yes, but not of somebody without a role', async (t) => {
    const { refuse, votes } = await startVoting(t);
    assert.equal((await refusalOf(refuse('dan', ['clerk']))).code, 'permission_denied');
    await refuse('ann', []);
    const other = await startVoting(t);
    await other.vote('bob');
    await other.refuse('bob', ['lead']);
    const said = [votes, other.votes].map((each) =>
      each.map((payload) => payload?.type === 'approval' && [payload.by, payload.approved]),
    );
    assert.deepEqual(said, [
      [['ann', false]],
      [
        ['bob', true],
        ['bob', false],
      ],
    ]);
  });
});

async function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Resolves once the run waits for another answer than before, or is finished. */
async function settled(engine: EmbeddedEngine): Promise<void> {
  for (;;) {
    await turn();
    const status = await engine.status('acme', 'run_1');
    if (status?.state !== 'running') return;
  }
}

async function createEngine(program: RunProgram): Promise<EmbeddedEngine> {
  return createEmbeddedEngine({
    programs: { current: '1', versions: new Map([['1', () => program]]) },
    store: createMemoryRunStore(),
    clock: createSystemClock(),
    codec: createPlainCodec(),
    turn,
  });
}
