import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createModelHostClient } from '@modelhost/sdk';
import { RunEndReason } from '@modelhost/contracts';
import { startChatProvider } from './fixtures/chat-provider.ts';
import { failureOf } from './fixtures/guarded-server.ts';
import { finish, watch } from './fixtures/run-watch.ts';
import { startHostProcess } from './fixtures/running-process.ts';
import { keys, makeDirectory, task, writeHostConfig } from './fixtures/started-host.ts';

test('no key, no secret and no argument of a tool stands in the log, whatever fails', async (t) => {
  const providerKey = 'canary-provider-key-of-the-test';
  const masterKey = randomBytes(32).toString('base64');
  const argument = 'canary-argument-of-a-call';
  await using provider = await startChatProvider('${env:PROVIDER_KEY}');
  const directory = makeDirectory(t);
  const environment = { PROVIDER_KEY: providerKey, MODEL_HOST_MASTER_KEY: masterKey };
  const tools = {
    servers: [
      {
        alias: 'broken',
        command: 'false',
        env: { TOOL_TOKEN: '${env:PROVIDER_KEY}' },
        args: ['${env:PROVIDER_KEY}'],
      },
    ],
  };
  writeHostConfig(directory, { providers: [provider.config], tools, environment });
  const file = join(directory, 'host.yaml');
  writeFileSync(file, `${readFileSync(file, 'utf8')}telemetry: { logLevel: trace }\n`);
  const host = await startHostProcess(t, file, { ...environment, PATH: '/usr/bin:/bin' });
  const client = createModelHostClient({ address: host.grpcAddress, apiKey: keys.alice.key });

  const strangerKey = `mh_${keys.bob.id}_canary-of-a-stranger`;
  const stranger = createModelHostClient({ address: host.grpcAddress, apiKey: strangerKey });
  await failureOf(stranger.getStatus());
  stranger.close();
  await failureOf(client.startRun(task('x', { requestId: `${argument}\n` })));
  await failureOf(client.getRun(`run_${'0'.repeat(26)}`));

  const refused = finish(watch(client.run(task('write'))));
  const first = await provider.asked();
  assert.ok(first.headers.includes(providerKey));
  first.refuse(401, `the key ${providerKey} is not valid`);
  const { error } = await refused;
  assert.equal(error?.code, 'provider_unauthorized');
  assert.ok(!error.message.includes(providerKey));

  for (const values of [`{"amount":"${argument}"}`, `{"${argument}`]) {
    const called = finish(watch(client.run(task('write'))));
    const asking = await provider.asked();
    asking.call('ask', values);
    asking.finish();
    const last = await provider.asked();
    last.text('gave up');
    last.finish();
    assert.equal((await called).reason, RunEndReason.COMPLETED);
  }
  const status = await client.getStatus();
  assert.ok(status.components.some(({ name }) => name === 'tools/broken'));
  client.close();
  host.kill('SIGTERM');
  const { code, output } = await host.ended;
  assert.equal(code, 0, output);
  for (const told of ['"code":"unauthenticated"', '"code":"not_found"', '"server":"broken"']) {
    assert.ok(output.includes(told), told);
  }
  const secrets = [keys.alice.key, strangerKey, providerKey, masterKey, argument];
  for (const secret of secrets) assert.ok(!output.includes(secret), secret);
  const audit = readFileSync(join(directory, 'data', 'audit.jsonl'), 'utf8');
  for (const secret of secrets) assert.ok(!audit.includes(secret), secret);
});
