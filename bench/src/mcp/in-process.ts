/**
 * A read-only call of an agent, from inside the host's process to a tool server over stdio: decided by policy, on the audit
 * record, through the gateway. Beside it the SDK's client with nothing around, and the same client with the disk's share of
 * the work: one commit at the place where the audit log has its own.
 */
import { createCallGovernor, createCallLedger } from '@modelhost/agent-core';
import type { DirectResults } from '@modelhost/agent-core';
import type { ToolReply } from '@modelhost/kernel';
import { openAuditFile } from '@modelhost/audit';
import { loadKeys } from '@modelhost/keys-file';
import type { McpGateway } from '@modelhost/mcp-gateway';
import { createPolicyEngine, readRuleSet, singleSource } from '@modelhost/policy-engine';
import type { RuleSet } from '@modelhost/policy-engine';
import { createHostRedactor } from '@modelhost/redaction';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { echoMessage } from './echo.ts';
import { openGateway } from './gateway.ts';
import type { CallSubject } from './rounds.ts';
import { rules } from './rules.ts';

/** The three of them, in this order: bare, with the commit, governed. */
export interface InProcess extends AsyncDisposable {
  readonly subjects: readonly [CallSubject, CallSubject, CallSubject];
}

const principal = { tenant: 'bench', subject: 'load', roles: [] };
function benchRules(): RuleSet {
  const files = [{ name: 'bench.cedar', text: rules }];
  return readRuleSet({
    name: 'bench',
    scope: 'platform',
    revision: 0,
    digest: 'bench',
    files,
    tools: [],
  });
}

/** The cheapest way to a durable record: one write that returns when the disk has it. */
const durableAppend =
  constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_DSYNC;
/** As long as what the audit log writes of this call: decision, intent and outcome together. */
const lines = Buffer.alloc(1_450, 'x');
const callTimeoutMs = 10_000;

/** Starts two processes of the server, one for each client. */
export async function openInProcess(
  command: string,
  args: readonly string[],
  folder: string,
): Promise<InProcess> {
  await using opened = new AsyncDisposableStack();
  const client = opened.adopt(
    new Client({ name: 'bench', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } }),
    async (one) => one.close(),
  );
  await client.connect(new StdioClientTransport({ command, args: [...args], stderr: 'ignore' }));
  const bare = async (): Promise<void> => {
    const { content } = await client.callTool({
      name: 'echo',
      arguments: { message: echoMessage },
    });
    const [first] = content;
    check(first?.type === 'text' ? first.text : undefined);
  };
  const disk = opened.adopt(await open(join(folder, 'commits'), durableAppend), async (one) =>
    one.close(),
  );
  const gateway = opened.adopt(
    await openGateway([{ alias: 'echo', transport: { type: 'stdio', command, args, env: {} } }]),
    async (one) => one.close(),
  );
  const governed = await openGoverned(gateway, folder, opened);
  const kept = opened.move();
  return {
    subjects: [
      { name: 'SDK client', call: bare },
      {
        name: 'SDK client and its commit',
        async call() {
          await bare();
          await disk.write(lines);
        },
      },
      { name: 'governed call', call: governed },
    ],
    [Symbol.asyncDispose]: async () => kept.disposeAsync(),
  };
}

async function openGoverned(
  gateway: McpGateway,
  folder: string,
  opened: AsyncDisposableStack,
): Promise<() => Promise<void>> {
  const audit = await openAuditFile({ path: join(folder, 'audit.jsonl'), now: Date.now });
  opened.defer(async () => audit.close());
  const keys = await loadKeys({ path: join(folder, 'keys.json'), environmentValue: undefined });
  const governor = createCallGovernor({
    policy: createPolicyEngine({ source: singleSource(benchRules()) }),
    audit,
    keys,
    // As a host has it that nobody has configured.
    redactor: createHostRedactor({ always: { secrets: 'token' }, keys }),
    calls: createCallLedger(),
    now: Date.now,
  });
  const tool = gateway.listTools(principal.tenant).find(({ serverTool }) => serverTool === 'echo');
  if (tool === undefined) throw new Error('the echo is not in the catalogue');
  const values = { message: echoMessage };
  return async () => {
    // From random bytes that are made many at a time, as the host's ids are.
    const callId = `mcp_${randomUUID()}`;
    const reply = await governor.govern(
      { callId, principal, agent: 'bench', tool, arguments: values },
      async () => {
        const [violation] = gateway.checkArguments(tool.name, values);
        if (violation !== undefined) throw new Error(violation.description);
        return gateway.callTool(
          {
            tool: tool.name,
            arguments: values,
            principal,
            idempotencyKey: callId,
            timeoutMs: callTimeoutMs,
          },
          // Of a step that nobody stops; the gateway keeps the time itself.
          { signal: new AbortController().signal },
        );
      },
      results,
    );
    check(reply.type === 'answer' ? reply.content : undefined);
  };
}

const results: DirectResults<ToolReply> = {
  outcomeOf: () => 'answered',
  answerOf: (reply) =>
    reply.type === 'answer'
      ? {
          bytes: Buffer.byteLength(reply.content),
          text: () => reply.content,
        }
      : undefined,
  map: (reply, change) =>
    reply.type === 'answer' ? { ...reply, content: change.text(reply.content) } : reply,
};

function check(text: string | undefined): void {
  if (text !== echoMessage) throw new Error(`not the message: ${text}`);
}
