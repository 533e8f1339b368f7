import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serveCounting, wireFaults } from '../fixtures/counting-server.ts';
import { fixtureProcess } from '../fixtures/start-gateway.ts';
import type { ToolServerSpec } from '../server-spec.ts';

/** A tool server of the soak: what it did is counted, and it breaks as its calls ask it to. */
export interface SoakPeer {
  readonly alias: string;
  readonly transport: ToolServerSpec['transport'];
  /** What a call may ask for. */
  readonly faults: readonly string[];
  /** How often the work of each call was done since it was asked the last time. */
  takeExecutions(): Promise<ReadonlyMap<string, number>>;
  close(): Promise<void>;
}

/** Servers over HTTP within this process, half of each era. */
export async function startHttpPeers(count: number): Promise<readonly SoakPeer[]> {
  return await Promise.all(
    Array.from({ length: count }, (_, index) => startHttpPeer(index, index % 2 === 0)),
  );
}

async function startHttpPeer(index: number, isModern: boolean): Promise<SoakPeer> {
  const server = await serveCounting(isModern ? 'modern' : 'legacy');
  return {
    alias: `http-${index}`,
    transport: { type: 'http', url: server.url, headers: {} },
    faults: wireFaults,
    takeExecutions: async () => {
      const executions = new Map(server.executions);
      // Those whose callers have given up are let go too.
      server.release();
      server.forget();
      return executions;
    },
    close: () => server.close(),
  };
}

/** Servers over stdio, each a process of its own. */
export async function startStdioPeers(count: number): Promise<readonly SoakPeer[]> {
  return await Promise.all(Array.from({ length: count }, (_, index) => startStdioPeer(index)));
}

async function startStdioPeer(index: number): Promise<SoakPeer> {
  const folder = await mkdtemp(join(tmpdir(), 'soak-'));
  const file = join(folder, 'done');
  await writeFile(file, '');
  return {
    alias: `stdio-${index}`,
    transport: fixtureProcess('counting-process', file),
    faults: ['ok', 'die-before', 'die-after', 'silent-after'],
    takeExecutions: async () => {
      const ids = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
      await truncate(file);
      const executions = new Map<string, number>();
      for (const id of ids) executions.set(id, (executions.get(id) ?? 0) + 1);
      return executions;
    },
    close: () => rm(folder, { recursive: true }),
  };
}
