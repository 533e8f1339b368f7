import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { RunEndReason, ToolOutcome } from '@modelhost/contracts';
import { createApiKey } from './auth.ts';
import { failureOf } from './fixtures/guarded-server.ts';
import { finish, next, watch } from './fixtures/run-watch.ts';
import { makeDirectory, startHostIn, task } from './fixtures/started-host.ts';
import { bundleOf, mallory, writeTrustRoot } from './policy/fixtures/policy-world.ts';

const [officer, other] = [createApiKey(), createApiKey()];
const server = {
  auth: {
    apiKeys: [
      {
        id: officer.id,
        hash: officer.hash,
        tenant: 'acme',
        subject: 'olga',
        roles: ['security', 'platform-admin'],
      },
      { id: other.id, hash: other.hash, tenant: 'acme', subject: 'ned' },
    ],
  },
};
const permitAll = '@id("all") permit (principal, action, resource);\n';
const tests = {
  'tests/inputs.yaml':
    '- name: an input is accepted\n  given: { action: AcceptInput, bytes: 10 }\n  expect: { effect: allow, reasons: [all] }\n',
};

test('a fork is decided by its own signed bundle, and everything else by what is in force', async (t) => {
  const directory = makeDirectory(t);
  const policies = writeTrustRoot(directory);
  const first = bundleOf({ files: { 'authorize.cedar': permitAll, ...tests } });
  writeFileSync(join(directory, 'base.mhpb.json'), first);
  await using host = await startHostIn(directory, { server, policies });
  const olga = host.connect(officer.key);
  const { runId } = await olga.startRun(task('answer'));
  await finish(watch(olga.followRun(runId)));
  const noModels = `${permitAll}@id("none") @message("no models")\nforbid (principal, action == ModelHost::Action::"UseModel", resource);\n`;
  const files = { 'authorize.cedar': noModels, ...tests };
  const fork = { runId, atStep: 'turn-1/model' };
  const bundle = bundleOf({ files });

  const { runId: forked } = await olga.forkRun({ ...fork, bundle });
  const result = await finish(watch(olga.followRun(forked)));
  assert.equal(result.reason, RunEndReason.DENIED);
  assert.match(result.error?.message ?? '', /no models/);
  const { runId: plain } = await olga.forkRun(fork);
  const usual = await finish(watch(olga.followRun(plain)));
  assert.equal(usual.reason, RunEndReason.COMPLETED);

  const called = await olga.startRun(task('ask'));
  const events = watch(olga.followRun(called.runId));
  const { callId } = await next(events, 'toolRequested');
  let waits = false;
  while (!waits) waits = (await olga.getRun(called.runId)).waitingFor.length > 0;
  await olga.submitToolResult({ runId: called.runId, callId, content: 'done' });
  await finish(events);
  const noTools = `${permitAll}@id("none") @message("no tools")\nforbid (principal, action == ModelHost::Action::"ask", resource);\n`;
  const strict = await olga.forkRun({
    runId: called.runId,
    atStep: 'turn-1/tool-1',
    bundle: bundleOf({ files: { 'authorize.cedar': noTools, ...tests } }),
  });
  const denied = watch(olga.followRun(strict.runId));
  const { outcome } = await next(denied, 'toolFinished');
  assert.equal(outcome, ToolOutcome.DENIED);
  assert.equal((await finish(denied)).statistics?.toolCallsDenied, 1);

  const forged = bundleOf({ files, signers: [mallory] });
  assert.equal(
    (await failureOf(olga.forkRun({ ...fork, bundle: forged }))).code,
    'validation_failed',
  );
  const ned = host.connect(other.key);
  const own = await ned.startRun(task('answer'));
  await finish(watch(ned.followRun(own.runId)));
  const refused = await failureOf(ned.forkRun({ ...fork, runId: own.runId, bundle }));
  assert.equal(refused.code, 'permission_denied');
});
