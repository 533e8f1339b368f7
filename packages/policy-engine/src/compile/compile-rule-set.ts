import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { deserialize } from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { PolicyRequest, ToolDefinition } from '@modelhost/kernel';
import { HostError } from '@modelhost/kernel';
import type { Explanation } from '../explain/explanation.ts';
import { createRuleIndexBuilder } from '../index/rule-index.ts';
import type { PolicyFile } from '../policy-file.ts';
import type { RuleSet, RuleSetSource } from '../rule-set.ts';
import type { Rule } from '../rules.ts';
import { createThreadEnvironment } from '../thread-environment.ts';
import { errorOf } from './policy-problem.ts';
import type { PolicyProblem } from './policy-problem.ts';
import { toolsPerMessage } from './worker-messages.ts';
import type { MessageFromWorker, MessageToWorker } from './worker-messages.ts';

/** How rules are compiled. */
export interface CompileOptions {
  readonly signal?: AbortSignal;
  /** How long the worker may take; 120 s unless it is said otherwise. */
  readonly timeoutMs?: number;
  /** What its JavaScript may use; 512 MiB unless it is said otherwise. */
  readonly heapMiBMax?: number;
}

/** A rule set that was checked as strictly as can be. */
export interface CompiledRuleSet extends RuleSet {
  /** What does not keep the rules from being used. */
  readonly warnings: readonly PolicyProblem[];
}

/**
 * Reads, checks and compiles the rules in a worker of their own, and takes them over piece by piece: the event loop is
 * never kept for long. Throws `config_invalid` with file, line, column and remedy for rules that cannot be used, also
 * when they break the worker, use up its memory or take too long.
 */
export async function compileRuleSet(
  { files, ...source }: RuleSetSource,
  options: CompileOptions = {},
): Promise<CompiledRuleSet> {
  await using worker = startWorker(options);
  const problems = await checkIn(worker, files, source.tools);
  refuseErrors(problems);
  return { source, ...(await takeRules(worker)), warnings: problems };
}

/**
 * What these rules alone would say to the request, and why, asked in a worker of their own too: rules of whoever sends some
 * may take as long as they like to be asked. Throws `config_invalid` as `compileRuleSet` does.
 */
export async function explainApart(
  { files, tools, ...source }: RuleSetSource,
  request: PolicyRequest,
  options: CompileOptions = {},
): Promise<Explanation> {
  await using worker = startWorker(options);
  refuseErrors(await checkIn(worker, files, tools));
  const answer = await worker.ask({ type: 'explain', request, source });
  if (answer.type === 'explained') return answer.explanation;
  throw new HostError('internal', 'the rules explained nothing');
}

function refuseErrors(problems: readonly PolicyProblem[]): void {
  const errors = problems.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  if (first !== undefined) throw errorOf(first, errors.length - 1);
}

/** Everything that is wrong with the rules, the first 200; they are read in a worker of their own as well. */
export async function checkPolicyTextApart(
  files: readonly PolicyFile[],
  tools: readonly ToolDefinition[],
  options: CompileOptions = {},
): Promise<readonly PolicyProblem[]> {
  await using worker = startWorker(options);
  return await checkIn(worker, files, tools);
}

async function checkIn(
  worker: CompileWorker,
  files: readonly PolicyFile[],
  tools: readonly ToolDefinition[],
): Promise<readonly PolicyProblem[]> {
  for (const file of files) {
    worker.tell({ type: 'file', file });
    await setImmediate();
  }
  for (let start = 0; start < tools.length; start += toolsPerMessage) {
    worker.tell({ type: 'tools', tools: tools.slice(start, start + toolsPerMessage) });
    await setImmediate();
  }
  const answer = await worker.ask({ type: 'check' });
  return answer.type === 'checked' ? answer.problems : [];
}

async function takeRules(worker: CompileWorker): Promise<Pick<RuleSet, 'authorize' | 'oblige'>> {
  const builders = {
    authorize: createRuleIndexBuilder<Rule>(),
    oblige: createRuleIndexBuilder<Rule>(),
  };
  for (;;) {
    const answer = await worker.ask({ type: 'more' });
    if (answer.type !== 'rules') break;
    const { part, heads, packed } = answer;
    // Our own worker packed them, from rules that it had read.
    builders[part].add({ heads, unpack: () => deserialize(packed) as readonly Rule[] });
    await setImmediate();
  }
  return { authorize: builders.authorize.build(), oblige: builders.oblige.build() };
}

interface CompileWorker extends AsyncDisposable {
  tell(message: MessageToWorker): void;
  ask(message: MessageToWorker): Promise<MessageFromWorker>;
}

const timeoutMsDefault = 120_000;
const heapMiBDefault = 512;

function startWorker(options: CompileOptions): CompileWorker {
  const { signal, timeoutMs = timeoutMsDefault, heapMiBMax = heapMiBDefault } = options;
  signal?.throwIfAborted();
  const deadline = AbortSignal.timeout(timeoutMs);
  const stop = AbortSignal.any(signal === undefined ? [deadline] : [deadline, signal]);
  const worker = new Worker(new URL('./compile-worker.ts', import.meta.url), {
    env: createThreadEnvironment(),
    argv: [],
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: heapMiBMax, stackSizeMb: 4 },
  });
  // Heard of while an answer is waited for; between answers nothing is lost.
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  worker.on('error', (cause) => {
    failed.reject(brokenWorker(cause, heapMiBMax));
  });
  worker.on('exit', () => {
    failed.reject(brokenWorker(undefined, heapMiBMax));
  });

  const tell = (message: MessageToWorker): void => {
    // A thread has no origin that a message could be meant for.
    worker.postMessage(message); // oxlint-disable-line unicorn/require-post-message-target-origin
  };

  return {
    tell,
    ask: async (message) => {
      const answered = once(worker, 'message', { signal: stop });
      answered.catch(() => undefined);
      tell(message);
      try {
        // The other end is our own worker.
        const [said] = (await Promise.race([answered, failed.promise])) as [MessageFromWorker];
        return said;
      } catch (thrown) {
        signal?.throwIfAborted();
        if (!deadline.aborted) throw thrown;
        throw new HostError(
          'config_invalid',
          `policies: they took more than ${timeoutMs} ms; make them fewer or simpler`,
        );
      }
    },
    [Symbol.asyncDispose]: async () => {
      await worker.terminate();
    },
  };
}

function brokenWorker(cause: unknown, heapMiBMax: number): HostError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const problem =
    code === 'ERR_WORKER_OUT_OF_MEMORY'
      ? `compiling them takes more than ${heapMiBMax} MiB`
      : 'compiling them broke the compiler';
  return new HostError(
    'config_invalid',
    `policies: ${problem}; make them fewer or simpler, and take out the rule that was added last`,
    { cause },
  );
}
