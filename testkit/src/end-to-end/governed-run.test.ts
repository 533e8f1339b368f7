import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RunEndReason, ToolOutcome } from '@modelhost/contracts';
import type { RunEvent } from '@modelhost/contracts';
import { createModelHostClient } from '@modelhost/sdk';
import type { ModelHostClient } from '@modelhost/sdk';
import { agentConfig, createSetup } from './host-setup.ts';
import { startMockProvider } from './mock-provider.ts';
import type { MockAnswer } from './mock-provider.ts';
import { commandPath, startHost } from './start-host.ts';
import type { HostProcess } from './start-host.ts';
import { toolsReady } from './tools-ready.ts';

const filesystemServer = fileURLToPath(
  new URL(
    '../../../node_modules/@modelcontextprotocol/server-filesystem/dist/index.js',
    import.meta.url,
  ),
);

const policies = `
@id("all") @message("all is permitted")
permit (principal, action, resource);

@id("private") @message("private files are off limits")
forbid (principal, action == ModelHost::Action::"files__read_text_file", resource)
unless { context.arguments has path && !(context.arguments.path like "*private*") };

@id("writing") @message("writing needs a yes") @remedy("approval") @self_approval("allowed")
forbid (principal, action == ModelHost::Action::"files__write_file", resource)
unless {
  context has approval && context.approval.callDigest == context.callDigest &&
  context.now < context.approval.expires
};
`;

function call(name: string, values: object): { readonly name: string; readonly arguments: string } {
  return { name: `files__${name}`, arguments: JSON.stringify(values) };
}

const answer: MockAnswer = {
  type: 'calls',
  calls: [
    call('read_text_file', { path: 'open.txt' }),
    call('read_text_file', { path: 'private/salaries.txt' }),
    call('write_file', { path: 'yes.txt', content: 'approved' }),
    call('write_file', { path: 'no.txt', content: 'refused' }),
  ],
};

async function start(t: TestContext): Promise<{ host: HostProcess; client: ModelHostClient }> {
  const mock = await startMockProvider(t);
  const setup = createSetup({
    providerUrl: mock.url,
    agents: [agentConfig('writer', 'mock', { tools: ['files__*'] })],
    toolServers: [
      {
        alias: 'files',
        command: process.execPath,
        args: [filesystemServer, 'files'],
        cwd: '.',
        effects: { read_text_file: 'none' },
      },
    ],
    policies,
  });
  const files = { 'files/open.txt': 'all can read this', 'files/private/salaries.txt': 'a lot' };
  const host = await startHost(t, { ...setup, files: { ...setup.files, ...files } });
  const client = createModelHostClient({ address: host.grpcAddress });
  t.after(() => client.close());
  await toolsReady(client, 'files');
  return { host, client };
}

/** Runs the agent; says yes to writing `yes.txt` and no to anything else. */
async function govern(client: ModelHostClient): Promise<readonly RunEvent['event'][]> {
  const part = { case: 'text', value: { text: JSON.stringify(answer) } } as const;
  const { runId } = await client.startRun({ agent: 'writer', input: [{ part }] });
  const events: RunEvent['event'][] = [];
  for await (const { event } of client.followRun(runId)) {
    events.push(event);
    if (event.case !== 'approvalRequested') continue;
    const { approvalId, argumentsJson } = event.value;
    const approved = argumentsJson.includes('yes.txt');
    await client.resolveApproval({ runId, approvalId, approved, comment: 'by the test' });
  }
  return events;
}

function verify(auditPath: string): { readonly status: number | null; readonly text: string } {
  const command = [commandPath, 'audit', 'verify', auditPath];
  const { status, stdout, stderr } = spawnSync(process.execPath, command, { encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

test('a run on real files is allowed, denied, approved and refused, and its record shows any change', async (t) => {
  const { host, client } = await start(t);
  const events = await govern(client);

  const finished = events.flatMap((event) => (event.case === 'toolFinished' ? [event.value] : []));
  const byCall = finished.toSorted((one, other) => one.callId.localeCompare(other.callId));
  assert.deepEqual(
    byCall.map(({ outcome, error }) => [outcome, error?.facts['rule']]),
    [
      [ToolOutcome.OK, undefined],
      [ToolOutcome.DENIED, 'private'],
      [ToolOutcome.OK, undefined],
      [ToolOutcome.DENIED, 'approval-refused'],
    ],
  );
  assert.match(byCall[0]?.content ?? '', /all can read this/);
  assert.match(byCall[1]?.content ?? '', /private files are off limits/);
  const last = events.at(-1);
  assert.ok(last?.case === 'runFinished');
  assert.equal(last.value.result?.reason, RunEndReason.COMPLETED);
  assert.partialDeepStrictEqual(last.value.result?.statistics, {
    modelCalls: 2,
    toolCalls: 4,
    toolCallsDenied: 2,
    approvals: 2,
  });
  assert.equal(await readFile(join(host.directory, 'files/yes.txt'), 'utf8'), 'approved');
  assert.ok(!existsSync(join(host.directory, 'files/no.txt')));

  host.send('SIGTERM');
  assert.deepEqual(await host.exited, { code: 0, signal: null });
  const intact = verify(host.auditPath);
  assert.equal(intact.status, 0, intact.text);
  const record = await readFile(host.auditPath);
  // The task and the arguments are sealed in the record, if they are in it at all.
  assert.ok(!record.includes('salaries.txt') && !record.includes('all can read this'));
  const middle = Math.floor(record.length / 2);
  record.writeUInt8(record.readUInt8(middle) ^ 1, middle);
  await writeFile(host.auditPath, record);
  const changed = verify(host.auditPath);
  assert.equal(changed.status, 1, changed.text);
});
