import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { isShown, readBlocks, readCommands, runLine } from './console-blocks.ts';
import type { Block } from './console-blocks.ts';
import { startWarmCommand } from './warm-command.ts';

const page = 'docs/write-policy.md';
const blocks = readBlocks(readFileSync(page, 'utf8'));
const main = resolve('apps/cli/src/main.ts');
const checkout = mkdtempSync(join(tmpdir(), 'write-policy-'));
/** The page works in a directory of the checkout. */
const directory = join(checkout, 'work');
const environment: NodeJS.ProcessEnv = {
  PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
};
const served: { child?: ChildProcess } = {};

// The tool server of the page comes from the installation.
symlinkSync(resolve('node_modules'), join(checkout, 'node_modules'));
mkdirSync(directory);
const warm = startWarmCommand(main, directory);

after(async () => {
  const { child } = served;
  if (child?.exitCode === null) {
    const ended = new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    await ended;
  }
  await warm.close();
  rmSync(checkout, { recursive: true, force: true });
});

function localize(line: string): string {
  return line.replaceAll('npx model-host', `"${process.execPath}" "${main}"`);
}

async function follow(block: Block): Promise<void> {
  if (block.language === 'console serves') return serve(block.text);
  if (block.language === 'console') {
    for (const { command, output } of readCommands(block.text)) {
      const done = await runLine(localize(command), { directory, environment, warm });
      const where = `${page}:${block.line}: ${command}`;
      assert.ok(isShown(output, done.output), `${where}\nis shown otherwise:\n${done.output}`);
    }
    return;
  }
  const file = join(directory, pathOf(block) ?? assert.fail());
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, block.text);
}

/** Where a block belongs that begins with the path of a file. */
function pathOf({ text }: Block): string | undefined {
  return /^(?:\/\/|#) ([\w./-]+\.(?:cedar|yaml))\n/.exec(text)?.[1];
}

/** Starts the host on ports of its own, and waits for its tools. */
async function serve(text: string): Promise<void> {
  const command = readCommands(text)[0]?.command ?? '';
  const ports = ['server.port=0', 'server.healthPort=0', 'mcp.port=0'];
  const flags = ports.map((setting) => `--set ${setting}`).join(' ');
  const child = spawn('sh', ['-c', `exec ${localize(command)} ${flags}`], {
    cwd: directory,
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  served.child = child;
  for await (const line of createInterface({ input: child.stderr })) {
    const [, address] = /^model-host serves on ([\d.:]+),/.exec(line) ?? [];
    if (address === undefined) continue;
    environment['MODEL_HOST_ADDRESS'] = address;
    break;
  }
  child.stderr.resume();
  for (let tries = 0; tries < 100; tries += 1) {
    const line = localize('npx model-host tools status');
    const { output } = await runLine(line, { directory, environment, warm });
    if (/^files +ready /m.test(output)) return;
  }
  assert.fail('the tools of the page do not get ready');
}

test('the worked examples stand in the page as they stand in their project, and each has tests that pass', async () => {
  const project = 'examples/policies/cookbook';
  const names = readdirSync(project, { recursive: true, encoding: 'utf8' });
  const rules = names.filter((name) => name.endsWith('.cedar'));
  assert.ok(rules.length >= 10);
  const shown = blocks.map(({ text }) => text);
  for (const name of rules) {
    assert.ok(
      shown.includes(readFileSync(join(project, name), 'utf8')),
      `${page} shows ${name} otherwise`,
    );
  }
  const line = localize(`npx model-host policy test "${resolve(project)}"`);
  const { status, output } = await runLine(line, { directory, environment, warm });
  // Every rule has to be hit, too.
  assert.equal(status, 0, output);
});

/** The officer's path, walked as it is written: each step prints what the page shows. */
for (const block of blocks) {
  const [title = ''] = block.text.split('\n', 1);
  const isStep = block.language.startsWith('console') || pathOf(block) !== undefined;
  if (isStep) test(`${page}:${block.line}: ${title}`, async () => follow(block));
}

test('the path of the page leads by a host that runs', () => {
  assert.equal(served.child?.exitCode, null);
});
