import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Decision, JsonObject, ToolDefinition, ToolEffect } from '@modelhost/kernel';
import { noObligations } from '@modelhost/kernel';
import { pointOf } from './fixtures/decision-points.ts';
import {
  callRequest,
  inputRequest,
  modelRequest,
  nowMs,
  readServerTools,
  requestOf,
} from './fixtures/requests.ts';
import type { RequestChange } from './fixtures/requests.ts';
import { readPolicyDirectory } from './index.ts';

const directory = fileURLToPath(new URL('../../../examples/demo/policies', import.meta.url));
const files = await readPolicyDirectory(directory);
const engine = pointOf(files);
const tools = readServerTools();
const effects = new Map<string, ToolEffect>(
  ['read_file', 'read_text_file', 'read_media_file', 'read_multiple_files', 'list_directory'].map(
    (name) => [`files__${name}`, 'none'],
  ),
);

function tool(name: string): ToolDefinition {
  const found = tools.get(name);
  assert.ok(found);
  return { ...found, effect: effects.get(name) ?? 'irreversible' };
}

function call(name: string, values: JsonObject, change?: RequestChange): Promise<Decision> {
  return engine.decide(callRequest(tool(name), values, change));
}

function brief({ effect, reasons }: Decision): string {
  return `${effect} ${reasons.map(({ rule }) => rule).join()}`;
}

suite('policies of the demo, against the real tools', () => {
  test('no rule fails for any of the tools with the least arguments they take', async () => {
    const fillers: Record<string, JsonObject[string]> = { string: 'x', array: [], number: 1 };
    for (const name of tools.keys()) {
      const { inputSchema } = tool(name);
      // The fixtures are schemas of objects whose members name one type each.
      const schema = inputSchema as {
        readonly properties: Record<string, { readonly type: string }>;
        readonly required?: readonly string[];
      };
      const values = Object.fromEntries(
        (schema.required ?? []).map((key) => [
          key,
          fillers[schema.properties[key]?.type ?? ''] ?? null,
        ]),
      );
      const { reasons } = await call(name, values);
      assert.ok(
        !reasons.some(({ rule }) => rule === 'policy-error'),
        `${name} ${brief(await call(name, values))}`,
      );
    }
  });

  test('input, models and tools without effect are allowed', async () => {
    assert.equal(brief(await engine.decide(inputRequest(10))), 'allow demo.accept-input');
    assert.equal(brief(await engine.decide(modelRequest('any'))), 'allow demo.use-model');
    const listed = await call('files__list_directory', { path: '/data' });
    assert.equal(brief(listed), 'allow demo.tools-without-effect');
  });

  test('results and answers are let through, and the agent may do what its user may', async () => {
    const delegated = { isDelegated: true };
    const read = tool('files__read_text_file');
    const result = { type: 'tool-result', tool: read, bytes: 10 } as const;
    for (const request of [
      requestOf('AcceptToolResult', result, delegated),
      requestOf('EmitOutput', { type: 'output' }, delegated),
    ]) {
      assert.equal(brief(await engine.decide(request)), 'allow demo.read-and-answer');
    }
    const path = '/data/a.txt';
    const allowed = await call('files__read_text_file', { path }, delegated);
    assert.equal(brief(allowed), 'allow demo.tools-without-effect');
    const values = { path, content: 'text' };
    const held = await call('files__write_file', values, delegated);
    assert.equal(brief(held), 'hold demo.write-needs-approval');
  });

  test('every tool that some call could be allowed of is seen, and no other', async () => {
    const asker = { ...inputRequest(1), isDelegated: true };
    const all = [...tools.keys()].map(tool);
    const seen = (await engine.visible(asker, all)).map(({ name }) => name);
    assert.ok(seen.includes('files__read_text_file') && seen.includes('files__write_file'));
    assert.ok(!seen.includes('files__move_file'));
  });

  test('files under private/ cannot be read or edited, others can', async () => {
    const denied = 'deny demo.private-files';
    for (const path of [
      '/data/private/a.txt',
      'private/a.txt',
      './private/a',
      'x/../private/b/c',
    ]) {
      for (const name of ['read_text_file', 'read_file', 'read_media_file']) {
        assert.equal(brief(await call(`files__${name}`, { path })), denied);
      }
      assert.equal(brief(await call('files__edit_file', { path, edits: [] })), denied);
    }
    for (const path of ['/data/a.txt', 'privateer/a.txt', '/data/private.txt', '/my-private/a']) {
      assert.equal(
        brief(await call('files__read_text_file', { path, head: 3 })),
        'allow demo.tools-without-effect',
      );
    }
    const many = await call('files__read_multiple_files', { paths: ['/data/a.txt'] });
    assert.equal(brief(many), denied);
  });

  test('writing waits for an approval of exactly this call, which the one who asks may give', async () => {
    const values = { path: '/data/report.md', content: 'text' };
    const held = await call('files__write_file', values);
    assert.deepEqual(held, {
      effect: 'hold',
      remedies: ['approval'],
      gates: [{ approvers: [], quorum: 1, isSelfApprovalAllowed: true }],
      ttlMs: 900_000,
      reasons: [
        { rule: 'demo.write-needs-approval', message: "writing a file needs a human's approval" },
      ],
      obligations: noObligations,
      policyDigest: engine.digest(),
      bundles: [],
    });
    const votes = [{ subject: 'ann', roles: [] }];
    const approval = { callDigest: 'digest-1', votes, expiresAtMs: nowMs + 1 };
    const approved = await call('files__write_file', values, { approval });
    assert.equal(brief(approved), 'allow demo.write-files');
    const other = await call('files__write_file', values, {
      approval: { ...approval, callDigest: 'digest-2' },
    });
    assert.equal(brief(other), 'hold demo.write-needs-approval');
  });

  test('what no rule permits is denied', async () => {
    const moved = await call('files__move_file', { source: 'a', destination: 'b' });
    assert.equal(brief(moved), 'deny default-deny');
  });

  test('without the file about private/, its files can be read', async () => {
    const without = pointOf(files.filter(({ name }) => name !== '20-private.cedar'));
    const request = callRequest(tool('files__read_text_file'), { path: '/data/private/a.txt' });
    assert.equal((await without.decide(request)).effect, 'allow');
  });
});
