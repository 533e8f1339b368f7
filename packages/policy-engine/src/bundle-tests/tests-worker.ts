import { parentPort } from 'node:worker_threads';
import { HostError } from '@modelhost/kernel';
import { readRuleSet } from '../rule-set.ts';
import type { RuleSetSource } from '../rule-set.ts';
import type { BundleTest } from './read-tests.ts';
import { runBundleTests } from './run-tests.ts';
import type { TestReport } from './run-tests.ts';

/** What the worker is told: everything in pieces, so that no message keeps the event loop for long. */
export type MessageToTests =
  | { readonly type: 'files'; readonly files: RuleSetSource['files'] }
  | { readonly type: 'tools'; readonly tools: RuleSetSource['tools'] }
  | { readonly type: 'tests'; readonly tests: readonly BundleTest[] }
  | { readonly type: 'run'; readonly source: Omit<RuleSetSource, 'files' | 'tools'> };

/** What the worker says, once. */
export type MessageFromTests =
  | { readonly type: 'report'; readonly report: TestReport }
  | { readonly type: 'failed'; readonly message: string };

const files: RuleSetSource['files'][number][] = [];
const tools: RuleSetSource['tools'][number][] = [];
const tests: BundleTest[] = [];

parentPort?.on('message', (message: MessageToTests) => {
  switch (message.type) {
    case 'files':
      files.push(...message.files);
      return;
    case 'tools':
      tools.push(...message.tools);
      return;
    case 'tests':
      tests.push(...message.tests);
      return;
    case 'run':
      void run(message.source).then(send);
  }
});

async function run(source: Omit<RuleSetSource, 'files' | 'tools'>): Promise<MessageFromTests> {
  try {
    const ruleSet = readRuleSet({ ...source, files, tools });
    return { type: 'report', report: await runBundleTests(ruleSet, tests) };
  } catch (thrown) {
    const message = thrown instanceof HostError ? thrown.message : 'the tests broke the engine';
    return { type: 'failed', message };
  }
}

function send(message: MessageFromTests): void {
  // A thread has no origin that a message could be meant for.
  parentPort?.postMessage(message); // oxlint-disable-line unicorn/require-post-message-target-origin
}
