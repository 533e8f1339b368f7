import type { TestContext } from 'node:test';
import { RunEndReason } from '@modelhost/contracts';
import { createModelHostClient } from '@modelhost/sdk';
import type { ModelHostClient } from '@modelhost/sdk';
import { createSetup, toolServerConfig } from './host-setup.ts';
import { startMockProvider } from './mock-provider.ts';
import type { HeldRequest, MockAnswer } from './mock-provider.ts';
import { childrenOf, hasProc, signalGroup } from './processes.ts';
import { startHost } from './start-host.ts';
import type { HostProcess } from './start-host.ts';

/** A host with ten runs that all stream: each has said its first word, and waits in the middle of its answer. */
export interface TenRuns {
  readonly host: HostProcess;
  readonly client: ModelHostClient;
  /** The ten requests at the provider. */
  readonly held: readonly HeldRequest[];
  /** Those of the same runs that come later, from another host on the directory. */
  readonly heldAgain: () => Promise<readonly HeldRequest[]>;
  /** How each run ends for its client. */
  readonly endings: Promise<readonly RunOutcome[]>;
  /** The tool servers that the host has started; empty where nobody tells. */
  readonly children: readonly number[];
}

/** What a client has of its run in the end. */
export interface RunOutcome {
  readonly reason: RunEndReason;
  readonly cancelledBy: string;
  readonly text: string;
}

/** Starts the host and the runs. */
export async function startTenRuns(
  t: TestContext,
  options: {
    readonly gracefulShutdownTimeoutMs: number;
    /** Whether one more tool server ends neither with its input nor by SIGTERM. */
    readonly isStubborn?: boolean;
  },
): Promise<TenRuns> {
  const { gracefulShutdownTimeoutMs, isStubborn = false } = options;
  const mock = await startMockProvider(t);
  const setup = createSetup({
    providerUrl: mock.url,
    server: { gracefulShutdownTimeoutMs },
    ...(isStubborn ? { toolServers: [toolServerConfig('stubborn', {}, ['stubborn'])] } : {}),
  });
  const host = await startHost(t, setup);
  const client = createModelHostClient({ address: host.grpcAddress });
  t.after(() => client.close());
  const ids = Array.from({ length: 10 }, (_, index) => `run-${index}`);
  const runs = ids.map((id) => followRun(client, { type: 'wait', id }));
  const endings = Promise.all(runs.map(({ ending }) => ending));
  // Whoever awaits them later hears of their faults then.
  endings.catch(() => {});
  const held = await Promise.all(ids.map((id) => mock.held(id)));
  await Promise.all(runs.map(({ begun }) => begun));
  const children = hasProc ? childrenOf(host.pid) : [];
  t.after(() => {
    // Each leads a group; a host that fails its test may have left them.
    for (const child of children) signalGroup(child, 'SIGKILL');
  });
  const heldAgain = async (): Promise<readonly HeldRequest[]> =>
    Promise.all(ids.map((id) => mock.held(id, 2)));
  return { host, client, held, heldAgain, endings, children };
}

function followRun(
  client: ModelHostClient,
  answer: MockAnswer,
): { readonly begun: Promise<void>; readonly ending: Promise<RunOutcome> } {
  const begun = Promise.withResolvers<void>();
  const text = JSON.stringify(answer);
  const spec = { agent: 'worker', input: [{ part: { case: 'text', value: { text } } }] } as const;

  async function follow(): Promise<RunOutcome> {
    let said = '';
    for await (const { event } of client.run({ ...spec, input: [...spec.input] })) {
      if (event.case === 'textDelta') {
        said += event.value.text;
        begun.resolve();
      }
      if (event.case === 'runFinished') {
        const { reason = RunEndReason.UNSPECIFIED, cancelledBy = '' } = event.value.result ?? {};
        return { reason, cancelledBy, text: said };
      }
    }
    throw new Error('the run has no ending');
  }

  const ending = follow();
  ending.catch((fault: unknown) => begun.reject(fault));
  return { begun: begun.promise, ending };
}
