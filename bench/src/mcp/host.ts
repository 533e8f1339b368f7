/** A whole `model-host serve` with a façade: authentication, policy and a durable audit log around every call. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startProcess, type BenchProcess } from '../processes.ts';
import { rules } from './rules.ts';

/** A host that listens. */
export interface McpHost {
  readonly process: BenchProcess;
  readonly url: string;
  readonly authorization: string;
}

const cli = fileURLToPath(new URL('../../../apps/cli/src/main.ts', import.meta.url));

/** Starts it in front of the echo; it keeps its files in the folder, and is the caller's to end. */
export async function startMcpHost(
  echoUrl: string,
  folder: string,
  place: { readonly cpu: number; readonly isPinned: boolean },
): Promise<McpHost> {
  const apiKey = `mh_bench_${randomBytes(32).toString('base64url')}`;
  const hash = `sha256:${createHash('sha256').update(apiKey).digest('hex')}`;
  const key = { id: 'bench', hash, tenant: 'bench', subject: 'load', roles: [] };
  const policies = join(folder, 'policies');
  await mkdir(policies);
  await writeFile(join(policies, 'bench.cedar'), rules);
  const config = join(folder, 'model-host.yaml');
  const tree = {
    server: {
      port: 0,
      healthPort: 0,
      dataDirectory: join(folder, 'data'),
      auth: { apiKeys: [key] },
    },
    providers: [{ name: 'none', type: 'scripted', models: [{ id: 'none', model: 'report' }] }],
    agents: [{ id: 'none', model: 'none' }],
    tools: {
      servers: [
        { alias: 'echo', url: echoUrl, allowPrivateNetwork: true, effects: { '*': 'none' } },
      ],
    },
    mcp: { port: 0, views: [{ name: 'default', naming: 'none', search: 'never' }] },
    policies: { directory: policies },
  };
  // JSON is YAML.
  await writeFile(config, JSON.stringify(tree));
  const process = startProcess([cli, 'serve', '--config', config], place);
  const [, url = ''] = await process.printed(/MCP on (\S+)/);
  return { process, url, authorization: `Bearer ${apiKey}` };
}
