import { join } from 'node:path';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { agentConfig, createSetup } from '../end-to-end/host-setup.ts';
import type { Owner } from '../end-to-end/start-host.ts';
import { createModelWatch } from './checks.ts';
import type { ModelWatch } from './checks.ts';
import { deskConfig, deskPolicies } from './desk.ts';
import { startLives } from './lives.ts';
import type { Lives } from './lives.ts';
import { startModelServer } from './model-server.ts';
import type { Task, TaskCall } from './model-server.ts';

/** A host that is started again and again, and what outlives it. */
export interface Stage {
  readonly lives: Lives;
  readonly model: ModelWatch;
  readonly effectsPath: string;
}

const compileCache = new URL('../../../scripts/compile-cache.ts', import.meta.url).href;

/** Starts model and host. The host's tools keep their log outside its directory. */
export async function setStage(owner: Owner, execArgv: () => readonly string[]): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'model-host-effects-'));
  owner.after(async () => rm(directory, { recursive: true, force: true }));
  const effectsPath = join(directory, 'effects.log');
  const model = createModelWatch();
  const providerUrl = await startModelServer(owner, model.onRequest);
  const { config, files } = createSetup({
    providerUrl,
    policies: deskPolicies,
    agents: [],
    toolServers: [deskConfig(effectsPath)],
  });
  const worker = agentConfig('worker', 'mock', { tools: ['desk__*'] });
  const setup = { config: { ...config, agents: [worker] }, files };
  // Most of what a start costs is reading the code.
  const cached = (): readonly string[] => ['--import', compileCache, ...execArgv()];
  return {
    lives: startLives(owner, setup, { alias: 'desk', execArgv: cached }),
    model,
    effectsPath,
  };
}

/** A bit of everything: three calls side by side, one that a person must allow, one that the client answers, and an answer. */
export function createTask(name: string): Task {
  const call = (tool: string, text: string): TaskCall => ({ tool, text: `${name}/${text}` });
  return {
    name,
    rounds: [
      [call('desk__look', 'look'), call('desk__note', 'note'), call('desk__pay', 'pay')],
      [call('desk__sign', 'sign'), call('desk__pay', 'pay-again')],
      [call('ask_user', 'ask')],
    ],
    words: 6,
  };
}

/** The same without anybody who has to answer. */
export function createShortTask(name: string): Task {
  const { rounds, words } = createTask(name);
  return { name, rounds: rounds.slice(0, 1), words };
}
