import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isShown, readBlocks, readCommands, runLine } from './console-blocks.ts';
import type { Block } from './console-blocks.ts';
import { startWarmCommand } from './warm-command.ts';
import type { Done, WarmCommand } from './warm-command.ts';

/** A page that is walked as it is written, in a directory of its own. */
export interface WalkedPage {
  readonly blocks: readonly Block[];
  /** Runs a line as the page would. */
  readonly run: (line: string) => Promise<Done>;
}

/**
 * Makes a test of each block of a page that is a step: files that begin with their path are written, commands are run and print
 * what the page shows, and `console serves` starts a host, after the one before has ended. Programs are looked at by the compiler.
 * `addTests` adds some at the end. Nothing of a page is left when its tests are over.
 */
export function walkPage(page: string, addTests: (walked: WalkedPage) => void = () => {}): void {
  const blocks = readBlocks(readFileSync(page, 'utf8'));
  const checkout = mkdtempSync(join(tmpdir(), 'walk-page-'));
  /** The page works in a directory of the checkout. */
  const directory = join(checkout, 'work');
  const environment: NodeJS.ProcessEnv = {
    PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
  };
  const host = createServedHost(directory, environment);
  let warm: WarmCommand | undefined;

  async function run(line: string): Promise<Done> {
    warm ??= startWarmCommand(main, directory);
    return runLine(localize(line, environment), { directory, environment, warm });
  }

  async function follow(block: Block): Promise<void> {
    if (block.language === 'console serves') {
      return host.serve(readCommands(block.text)[0]?.command ?? '');
    }
    if (block.language === 'console') {
      for (const { command, output } of readCommands(block.text)) {
        const done = await run(command);
        const where = `${page}:${block.line}: ${command}`;
        const actual = done.output.replaceAll(directory, '…');
        assert.ok(isShown(output, actual), `${where}\nis shown otherwise:\n${actual}`);
      }
      return;
    }
    const file = join(directory, pathOf(block) ?? assert.fail());
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, block.text);
  }

  async function checkPrograms(): Promise<void> {
    const { status, output } = await run(checkTypes);
    assert.equal(status, 0, output);
  }

  suite(page, () => {
    before(() => {
      // What the page uses of an installation is that of this checkout.
      symlinkSync(resolve('node_modules'), join(checkout, 'node_modules'));
      writeFileSync(join(checkout, 'package.json'), '{ "type": "module" }');
      mkdirSync(directory);
    });
    after(async () => {
      await host.stop();
      await warm?.close();
      rmSync(checkout, { recursive: true, force: true });
    });
    for (const block of blocks.filter(isStep)) {
      const [title = ''] = block.text.split('\n', 1);
      test(`${page}:${block.line}: ${title}`, { skip: whyNot(block) }, async () => follow(block));
    }
    if (blocks.some((block) => pathOf(block)?.endsWith('.ts') === true)) {
      test('its programs have no type errors, however strictly they are looked at', checkPrograms);
    }
    if (blocks.some(({ language }) => language === 'console serves')) {
      test('it leads by a host that runs', () => assert.ok(host.isRunning()));
    }
    addTests({ blocks, run });
  });
}

/** OpenSSL is no part of an installation; without it what needs it is left out. */
export const withoutOpenssl: string | false =
  spawnSync('openssl', ['version']).status !== 0 && 'there is no openssl in PATH';

function whyNot({ language, text }: Block): string | false {
  return language.startsWith('console') && text.includes('openssl ') && withoutOpenssl;
}

function isStep(block: Block): boolean {
  return block.language.startsWith('console') || pathOf(block) !== undefined;
}

const main = resolve('apps/cli/src/main.ts');
const buf = resolve('node_modules/.bin/buf');
const checkTypes = [
  'node ../node_modules/typescript/bin/tsc --noEmit --skipLibCheck --types node --strict',
  '--exactOptionalPropertyTypes --noUncheckedIndexedAccess --noPropertyAccessFromIndexSignature',
  '--target esnext --module nodenext --allowImportingTsExtensions *.ts',
].join(' ');

/** The line for this checkout, and for the host of the page. */
function localize(line: string, { MODEL_HOST_ADDRESS: address }: NodeJS.ProcessEnv): string {
  return line
    .replaceAll('npx model-host', `"${process.execPath}" "${main}"`)
    .replaceAll('npx buf', `"${buf}"`)
    .replaceAll('127.0.0.1:7443', address ?? '127.0.0.1:7443');
}

/** Where a block belongs that begins with the path of a file. */
function pathOf({ text }: Block): string | undefined {
  return /^(?:\/\/|#) ([\w./-]+\.(?:cedar|ts|yaml))\n/.exec(text)?.[1];
}

/** Tool servers are started beside the rest. */
async function untilUp(url: string): Promise<void> {
  let text = '';
  for (let tries = 0; tries < 200; tries += 1) {
    text = await (await fetch(url)).text();
    if (text.startsWith('{"status":"up"')) return;
    await delay(50);
  }
  assert.fail(`the host of the page does not get ready: ${text}`);
}

interface ServedHost {
  /** On ports of its own, in the place of the one before; the environment gets its address. */
  serve(command: string): Promise<void>;
  isRunning(): boolean;
  stop(): Promise<void>;
}

function createServedHost(directory: string, environment: NodeJS.ProcessEnv): ServedHost {
  let child: ChildProcess | undefined;

  function isRunning(): boolean {
    return child?.exitCode === null;
  }

  async function stop(): Promise<void> {
    if (child?.exitCode !== null) return;
    const ended = new Promise((done) => child?.once('exit', done));
    child.kill('SIGTERM');
    await ended;
  }

  async function serve(command: string): Promise<void> {
    await stop();
    const ports = ['server.port=0', 'server.healthPort=0', 'mcp.port=0'];
    const flags = ports.map((setting) => `--set ${setting}`).join(' ');
    const started = spawn('sh', ['-c', `exec ${localize(command, environment)} ${flags}`], {
      cwd: directory,
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    child = started;
    let health: string | undefined;
    let told = '';
    for await (const line of createInterface({ input: started.stderr })) {
      told += `${line}\n`;
      const served = /^model-host serves on ([\d.:]+), health on ([\d.:]+)/.exec(line);
      if (served === null) continue;
      [, environment['MODEL_HOST_ADDRESS'], health] = served;
      break;
    }
    started.stderr.resume();
    assert.ok(health !== undefined, `the host of the page does not start:\n${told}`);
    await untilUp(`http://${health}/ready`);
  }

  return { serve, isRunning, stop };
}
