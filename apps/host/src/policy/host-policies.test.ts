import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { RunEndReason } from '@modelhost/contracts';
import { HostError } from '@modelhost/kernel';
import { makeDirectory, startHostIn, task } from '../fixtures/started-host.ts';
import type { StartedHost } from '../fixtures/started-host.ts';
import { bundleOf, writeTrustRoot } from './fixtures/policy-world.ts';

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
  readonly start: () => Promise<StartedHost>;
} {
  const directory = makeDirectory(t);
  const policies = { ...writeTrustRoot(directory), watchMs: 0 };
  return { directory, start: async () => startHostIn(directory, { isOpen: true, policies }) };
}

interface Ready {
  readonly status: string;
  readonly components: {
    readonly policy: { readonly status: string; readonly error: string | null };
  };
}

/** How ready it is, and what the last event of a run is. */
async function look(
  started: StartedHost,
): Promise<Ready & { readonly last: RunEndReason | undefined }> {
  let last: RunEndReason | undefined;
  for await (const { event } of started.connect().run(task('answer', { clientTools: [] }))) {
    if (event.case === 'runFinished') last = event.value.result?.reason;
  }
  const answer = await fetch(`http://${started.host.healthAddress}/ready`);
  // What our own health server says.
  return { ...((await answer.json()) as Ready), last };
}

test('a host decides by its bundle, and one that is broken later only degrades it', async (t) => {
  const { directory, start } = prepare(t);
  writeFileSync(join(directory, 'base.mhpb.json'), bundle);
  await using first = await start();
  const well = await look(first);
  await first.host.drain();
  assert.deepEqual([well.status, well.last], ['up', RunEndReason.COMPLETED]);
  const records = readFileSync(first.host.auditPath, 'utf8').split('\n', 5);
  const kinds = records.map((line) => /"kind":"([^"]+)"/.exec(line)?.[1]);
  assert.deepEqual(kinds, ['policy', 'policy', 'policy', 'policy', 'host-started']);

  writeFileSync(join(directory, 'base.mhpb.json'), 'half a bundle');
  await using second = await start();
  const degraded = await look(second);
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
