/** A real `model-host serve`, with everything on that a governed run has on. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { modelName, type Pace } from './mock-provider.ts';
import { startProcess, type BenchProcess } from './processes.ts';

/** A host with one agent for each pace. */
export interface BenchHost extends AsyncDisposable {
  readonly port: number;
  readonly apiKey: string;
  readonly cpuMicros: BenchProcess['cpuMicros'];
}

/** What a host is started with. */
export interface BenchHostOptions {
  readonly providerPort: number;
  readonly paces: readonly Pace[];
  readonly cpu: number;
  readonly isPinned: boolean;
}

const cli = fileURLToPath(new URL('../../apps/cli/src/main.ts', import.meta.url));

const policy = `
@id("bench.content")
permit (principal, action in ModelHost::Action::"Content", resource);
@id("bench.model")
permit (principal, action == ModelHost::Action::"UseModel", resource);
`;

/** Starts it in a temporary folder; resolves when it takes calls. */
export async function startHost(options: BenchHostOptions): Promise<BenchHost> {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(await mkdtempDisposable(join(tmpdir(), 'bench-')));
  const apiKey = `mh_bench_${randomBytes(32).toString('base64url')}`;
  await mkdir(join(folder.path, 'policies'));
  await writeFile(join(folder.path, 'policies', 'bench.cedar'), policy);
  const config = join(folder.path, 'model-host.yaml');
  await writeFile(config, JSON.stringify(describeHost(folder.path, apiKey, options)));
  const host = opened.use(startProcess([cli, 'serve', '--config', config], options));
  const [, port] = await host.printed(/serves on 127\.0\.0\.1:(\d+)/);
  const open = opened.move();
  return {
    port: Number(port),
    apiKey,
    cpuMicros: host.cpuMicros,
    [Symbol.asyncDispose]: async () => open.disposeAsync(),
  };
}

/** The configuration; JSON is YAML. */
function describeHost(
  directory: string,
  apiKey: string,
  { providerPort, paces }: BenchHostOptions,
): object {
  const hash = `sha256:${createHash('sha256').update(apiKey).digest('hex')}`;
  const key = { id: 'bench', hash, tenant: 'bench', subject: 'load', roles: [] };
  return {
    server: {
      port: 0,
      healthPort: 0,
      dataDirectory: join(directory, 'data'),
      auth: { apiKeys: [key] },
    },
    providers: [
      {
        name: 'mock',
        type: 'openai-chat',
        baseUrl: `http://127.0.0.1:${providerPort}/v1`,
        models: paces.map((pace) => ({
          id: modelName(pace),
          model: modelName(pace),
          inputUsdPerMillionTokens: 1,
          outputUsdPerMillionTokens: 4,
        })),
      },
    ],
    agents: paces.map((pace) => ({ id: modelName(pace), model: modelName(pace) })),
    policies: { directory: join(directory, 'policies') },
  };
}
