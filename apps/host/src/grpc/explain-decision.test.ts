import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { ExplainDecisionRequestSchema } from '@modelhost/contracts';
import { callOf, filesFor, forbidWhen } from '../policy/fixtures/mail-calls.ts';
import { ann, createPolicyWorld } from '../policy/fixtures/policy-world.ts';
import { createExplain } from './explain-decision.ts';

const address = 'someone@example.org';

test('a decision of which values are not kept is explained, unless a rule that is asked would read them', async (t) => {
  const world = createPolicyWorld(t);
  mkdirSync(join(world.directory, 'rules', 'tests'), { recursive: true });
  const write = (rules: string): void => {
    for (const [name, text] of Object.entries(filesFor(rules))) world.write(`rules/${name}`, text);
  };
  write(forbidWhen('context.arguments has count && context.arguments.count > 2'));
  const control = await world.open({ directory: 'rules' });
  await control.engine.decide(callOf({ to: address, count: 3 }));
  await control.settle();
  const [decision] = (await control.log.page({ tenant: 'acme', pageSize: 1 })).decisions;
  const explain = createExplain(
    { control, clock: world.clock, gateway: { listTools: () => [] } },
    { admit: () => {}, apart: async () => assert.fail('no rules are to be compiled') },
  );
  const asking = { principal: ann, signal: new AbortController().signal, timeoutMs: 60_000 };
  const ask = async (...files: readonly string[]) =>
    explain(
      create(ExplainDecisionRequestSchema, {
        about: { case: 'decisionId', value: decision?.id ?? '' },
        files: files.map((text) => ({ name: 'a.cedar', text })),
      }),
      asking,
    );
  const { rules = [] } = await ask();
  assert.deepEqual(
    rules.flatMap(({ rule }) => (rule === 'no' ? rule : [])),
    ['no'],
  );
  // Whoever brings rules of his own could ask for the values.
  await assert.rejects(ask('permit (principal, action, resource);'), {
    code: 'failed_precondition',
    message: /no other rules can be asked/,
  });
  write(forbidWhen('context.arguments has to && context.arguments.to like "*@*"'));
  await world.clock.advance(1_000);
  await control.idle();
  await assert.rejects(ask(), {
    code: 'failed_precondition',
    message: /values of this decision are not kept, .* \(no\)$/,
  });
});
