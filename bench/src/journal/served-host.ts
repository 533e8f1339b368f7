/** A whole host on a data directory that outlives it. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createModelHostClient, type ModelHostClient } from '@modelhost/sdk';
import { startProcess, type BenchProcess } from '../processes.ts';
import { connectHeap, type Heap } from './heap.ts';

/** A host that takes calls; disposing of it drains it. */
export interface ServedHost extends AsyncDisposable {
  readonly process: BenchProcess;
  readonly client: ModelHostClient;
  /** What it keeps in memory, where that was asked for. */
  readonly heap: Heap | undefined;
  /** From starting the process to its taking calls. */
  readonly readyMs: number;
}

const cli = fileURLToPath(new URL('../../../apps/cli/bin/model-host.js', import.meta.url));

/** Everything is allowed; each call of `pay` waits for somebody's yes. */
const policy = `
@id("bench.all") permit (principal, action, resource);
@id("bench.pay") @message("paying needs a yes") @remedy("approval") @self_approval("allowed")
forbid (principal, action == ModelHost::Action::"pay", resource)
unless { context has approval && context.approval.callDigest == context.callDigest && context.now < context.approval.expires };
`;

const script = [
  {
    when: { userContains: 'pay', turn: 1 },
    toolCalls: [{ name: 'pay', arguments: { amount: 1 } }],
  },
  { when: { userContains: '' }, text: 'Done.' },
];

/** Writes the configuration of the hosts of a folder. */
export async function prepareHost(folder: string): Promise<void> {
  await mkdir(join(folder, 'policies'), { recursive: true });
  await writeFile(join(folder, 'policies', 'bench.cedar'), policy);
  await writeFile(join(folder, 'script.yaml'), JSON.stringify(script));
  const models = [{ id: 'model', model: 'scripted' }];
  const tree = {
    server: {
      port: 0,
      healthPort: 0,
      dataDirectory: dataName,
      maxRunsInFlight: 2_000,
      gracefulShutdownTimeoutMs: 0,
    },
    providers: [{ name: 'main', type: 'scripted', scriptFile: 'script.yaml', models }],
    agents: [{ id: 'helper', model: 'model' }],
    runs: { parkAfterMs: 500 },
    policies: { directory: 'policies' },
  };
  // JSON is YAML.
  await writeFile(join(folder, configName), JSON.stringify(tree));
}

/** The data directory in such a folder. */
export function dataOf(folder: string): string {
  return join(folder, dataName);
}

/** Starts a host in a folder that was prepared. */
export async function serveIn(
  folder: string,
  options: { readonly isInspected?: boolean } = {},
): Promise<ServedHost> {
  const { isInspected = false } = options;
  await using opened = new AsyncDisposableStack();
  const start = performance.now();
  const inspector = isInspected ? ['--inspect=127.0.0.1:0'] : [];
  const args = [...inspector, cli, 'serve', '--config', join(folder, configName)];
  // Each start but the first finds its code compiled, as Node does it for whoever sets this.
  const env = { NODE_COMPILE_CACHE: join(folder, 'compile-cache') };
  const process = opened.use(startProcess(args, { cpu: 0, isPinned: false, env }));
  const listening = isInspected ? process.printed(/ws:\/\/\S+/) : undefined;
  const [, address = ''] = await process.printed(/serves on (127\.0\.0\.1:\d+)/);
  const readyMs = performance.now() - start;
  const client = createModelHostClient({ address });
  opened.defer(() => client.close());
  const [url = ''] = (await listening) ?? [];
  const heap = url === '' ? undefined : opened.use(await connectHeap(url));
  const open = opened.move();
  return { process, client, heap, readyMs, [Symbol.asyncDispose]: async () => open.disposeAsync() };
}

const dataName = 'data';
const configName = 'model-host.yaml';
