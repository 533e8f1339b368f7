import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { RunEndReason } from '@modelhost/contracts';
import { HostError } from '@modelhost/kernel';
import { createModelHostClient } from '@modelhost/sdk';
import { makeDirectory, task, writeHostConfig } from '../fixtures/started-host.ts';
import { startHost } from '../host.ts';
import type { RunningHost } from '../host.ts';
import { bundleOf, trustRootOf } from './fixtures/policy-world.ts';

const rules = `@id("input") @message("may ask") permit (principal, action == ModelHost::Action::"AcceptInput", resource);
@id("model") @message("may use") permit (principal, action == ModelHost::Action::"UseModel", resource);
@id("output") @message("may answer") permit (principal, action == ModelHost::Action::"EmitOutput", resource);
`;
const tests = `- { name: input, given: { action: AcceptInput }, expect: { effect: allow } }
- { name: model, given: { model: m }, expect: { effect: allow } }
- { name: output, given: { action: EmitOutput }, expect: { effect: allow } }
`;
const bundle = bundleOf({
  files: { 'authorize.cedar': rules, 'tests/all.yaml': tests },
  notBefore: '2020-01-01T00:00:00Z',
  expires: '2099-01-01T00:00:00Z',
});

/** A directory with a trust root, and a host that decides by whatever bundle is in it. */
function prepare(t: TestContext): {
  readonly directory: string;
  readonly start: () => Promise<RunningHost>;
} {
  const directory = makeDirectory();
  const hosts: RunningHost[] = [];
  t.after(async () => {
    for (const host of hosts) await host.drain();
    rmSync(directory, { recursive: true });
  });
  writeFileSync(join(directory, 'root.json'), trustRootOf());
  const bundles = [{ file: 'base.mhpb.json' }];
  const policies = { bundles, trustRoot: 'root.json', watchMs: 0 };
  const config = writeHostConfig(directory, { isOpen: true, policies });
  return {
    directory,
    start: async () => {
      const host = await startHost({ config, version: '1.2.3', environment: {}, log: 'silent' });
      hosts.push(host);
      return host;
    },
  };
}

interface Ready {
  readonly status: string;
  readonly components: {
    readonly policy: { readonly status: string; readonly error: string | null };
  };
}

/** How ready it is, and what the last event of a run is. */
async function look(
  host: RunningHost,
): Promise<Ready & { readonly last: RunEndReason | undefined }> {
  const client = createModelHostClient({ address: host.grpcAddress });
  let last: RunEndReason | undefined;
  try {
    for await (const { event } of client.run(task('answer', { clientTools: [] }))) {
      if (event.case === 'runFinished') last = event.value.result?.reason;
    }
  } finally {
    client.close();
  }
  const answer = await fetch(`http://${host.healthAddress}/ready`);
  // What our own health server says.
  return { ...((await answer.json()) as Ready), last };
}

test('a host decides by its bundle, and one that is broken later only degrades it', async (t) => {
  const { directory, start } = prepare(t);
  writeFileSync(join(directory, 'base.mhpb.json'), bundle);
  const first = await start();
  const well = await look(first);
  await first.drain();
  assert.deepEqual([well.status, well.last], ['up', RunEndReason.COMPLETED]);
  const records = readFileSync(first.auditPath, 'utf8').split('\n', 5);
  const kinds = records.map((line) => /"kind":"([^"]+)"/.exec(line)?.[1]);
  assert.deepEqual(kinds, ['policy', 'policy', 'policy', 'policy', 'host-started']);

  writeFileSync(join(directory, 'base.mhpb.json'), 'half a bundle');
  const second = await start();
  const degraded = await look(second);
  await second.drain();
  assert.deepEqual([degraded.status, degraded.last], ['degraded', RunEndReason.COMPLETED]);
  const { status, error } = degraded.components.policy;
  assert.equal(status, 'degraded');
  assert.match(error ?? '', /base\.mhpb\.json: envelope: is not JSON/);
});

test('a host whose bundle cannot be used does not start, and leaves nothing open', async (t) => {
  const { directory, start } = prepare(t);
  writeFileSync(join(directory, 'base.mhpb.json'), '{}');
  for (let attempt = 0; attempt < 2; attempt += 1) {
    await assert.rejects(
      start(),
      (thrown) =>
        thrown instanceof HostError &&
        thrown.code === 'config_invalid' &&
        thrown.message.startsWith('policies.bundles: no bundle can decide;'),
    );
  }
});
