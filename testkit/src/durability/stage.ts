import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { agentConfig, createSetup } from '../end-to-end/host-setup.ts';
import type { Owner } from '../end-to-end/start-host.ts';
import { createModelWatch } from './checks.ts';
import type { ModelWatch } from './checks.ts';
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

const policies = `
@id("all") @message("all is permitted")
permit (principal, action, resource);

@id("signing") @message("signing needs a yes") @remedy("approval") @self_approval("allowed")
forbid (principal, action == ModelHost::Action::"desk__sign", resource)
unless {
  context has approval && context.approval.callDigest == context.callDigest &&
  context.now < context.approval.expires
};
`;

/** Starts model and host. The host's tools keep their log outside its directory. */
export async function setStage(owner: Owner, execArgv: () => readonly string[]): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'model-host-effects-'));
  owner.after(async () => rm(directory, { recursive: true, force: true }));
  const effectsPath = join(directory, 'effects.log');
  const model = createModelWatch();
  const providerUrl = await startModelServer(owner, model.onRequest);
  const { config, files } = createSetup({
    providerUrl,
    policies,
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

function deskConfig(effectsPath: string): object {
  const script = fileURLToPath(new URL('effect-server.ts', import.meta.url));
  return {
    alias: 'desk',
    command: process.execPath,
    args: [script, effectsPath],
    effects: { look: 'none', note: 'idempotent', pay: 'irreversible', sign: 'irreversible' },
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
