import { setPriority } from 'node:os';
import { serialize } from 'node:v8';
import { parentPort } from 'node:worker_threads';
import type { ToolDefinition } from '@modelhost/kernel';
import type { RuleSetPart } from '../annotations.ts';
import { createCedarRuntime, loadCedar } from '../cedar-runtime.ts';
import { createRuleIndex } from '../index/rule-index.ts';
import type { PolicyFile } from '../policy-file.ts';
import { createPolicyEngine } from '../policy-engine.ts';
import { singleSource } from '../rule-set.ts';
import type { Rule } from '../rules.ts';
import { readAllRules } from './read-all-rules.ts';
import type { RuleSetReading } from './read-all-rules.ts';
import { problemsMax, rulesPerMessage } from './worker-messages.ts';
import type { MessageFromWorker, MessageToWorker } from './worker-messages.ts';

// On Linux the priority is that of this thread alone: the event loop of the host comes first. It is low, but a third of the
// usual share: at the lowest one, rules are never compiled on a machine without time to spare.
if (process.platform === 'linux') setPriority(5);

// Text of others is parsed here, in a thread that is thrown away: what kills Cedar kills nothing else.
const files: PolicyFile[] = [];
const tools: ToolDefinition[] = [];
let pieces: Iterator<MessageFromWorker> = [].values();
let reading: RuleSetReading | undefined;

parentPort?.on('message', (message: MessageToWorker) => {
  switch (message.type) {
    case 'file':
      files.push(message.file);
      return;
    case 'tools':
      tools.push(...message.tools);
      return;
    case 'check':
      check();
      return;
    case 'explain':
      void explain(message).then(send);
      return;
    case 'more': {
      const piece = pieces.next();
      send(piece.done === true ? { type: 'end' } : piece.value);
    }
  }
});

function check(): void {
  reading = readAllRules(files, tools, createCedarRuntime(loadCedar));
  pieces = piecesOf(reading.authorize, reading.oblige);
  send({ type: 'checked', problems: reading.problems.slice(0, problemsMax) });
}

async function explain({
  request,
  source,
}: Extract<MessageToWorker, { readonly type: 'explain' }>): Promise<MessageFromWorker> {
  const ruleSet = {
    source: { ...source, tools },
    authorize: createRuleIndex(reading?.authorize ?? []),
    oblige: createRuleIndex(reading?.oblige ?? []),
  };
  const engine = createPolicyEngine({ source: singleSource(ruleSet) });
  return { type: 'explained', explanation: await engine.explain(request) };
}

function* piecesOf(
  authorize: readonly Rule[],
  oblige: readonly Rule[],
): Generator<MessageFromWorker, void, undefined> {
  yield* piecesOfPart('authorize', authorize);
  yield* piecesOfPart('oblige', oblige);
}

function* piecesOfPart(
  part: RuleSetPart,
  rules: readonly Rule[],
): Generator<MessageFromWorker, void, undefined> {
  for (let start = 0; start < rules.length; start += rulesPerMessage) {
    const some = rules.slice(start, start + rulesPerMessage);
    const heads = some.map(({ id, actions, principal, resource }) => ({
      id,
      actions,
      principal,
      resource,
    }));
    yield { type: 'rules', part, heads, packed: new Uint8Array(serialize(some)) };
  }
}

function send(message: MessageFromWorker): void {
  // What is packed changes its owner instead of being copied.
  const owned = message.type === 'rules' ? [message.packed.buffer] : [];
  // A thread has no origin that a message could be meant for.
  parentPort?.postMessage(message, owned); // oxlint-disable-line unicorn/require-post-message-target-origin
}
