#!/usr/bin/env node
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { runApplication } from './application.ts';
import type { Ask, CliContext } from './context.ts';
import { exitCodes } from './failure.ts';
import type { ExitCode } from './failure.ts';
import { createPaint, isColorWanted } from './text/paint.ts';

const { stdin, stdout, stderr, env } = process;
let exitCode: ExitCode = exitCodes.ok;

const context: CliContext = {
  process: { stdout, stderr },
  environment: env,
  paint: createPaint(isColorWanted(env, stdout.isTTY)),
  now: Date.now,
  print: (text) => void stdout.write(text),
  say: (text) => void stderr.write(`${text}\n`),
  ask: stdin.isTTY && stderr.isTTY && !env['CI'] ? ask : undefined,
  onInterrupt,
  program: [process.execPath, fileURLToPath(import.meta.url)],
  hostProcess: process,
  streams: { input: stdin, output: stdout },
  exitWith: (code) => {
    exitCode = code;
  },
};

async function ask(...[question, signal]: Parameters<Ask>): Promise<string> {
  // Without a terminal of its own, so that Ctrl-C stays a signal.
  const lines = createInterface({ input: stdin, terminal: false });
  stderr.write(question);
  try {
    const closed = new AbortController();
    lines.once('close', () => closed.abort());
    return await lines.question('', { signal: AbortSignal.any([signal, closed.signal]) });
  } catch (thrown) {
    // The question stands there without an answer; what comes next begins a line.
    stderr.write('\n');
    signal.throwIfAborted();
    // The input ended; any other failure is real.
    if (thrown instanceof Error && thrown.name === 'AbortError') return '';
    throw thrown;
  } finally {
    lines.close();
  }
}

function onInterrupt(listener: () => void): () => void {
  let count = 0;
  function interrupted(): void {
    count += 1;
    if (count > 1) process.exit(exitCodes.interrupted);
    listener();
  }
  // A terminal that closes may say so twice, from the kernel and from the shell; that is no wish to leave at once.
  function hungUp(): void {
    if (count === 0) interrupted();
  }
  process.on('SIGINT', interrupted);
  process.on('SIGTERM', interrupted);
  process.on('SIGHUP', hungUp);
  return () => {
    process.off('SIGHUP', hungUp);
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
  };
}

// After its terminal has closed the process still has to clean up, with nobody to write to.
function isTerminalGone({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EIO' || code === 'ERR_STREAM_DESTROYED';
}

stderr.on('error', (error: NodeJS.ErrnoException) => {
  if (!isTerminalGone(error)) process.exit(exitCodes.failure);
});
// Whoever reads may leave early, as `head` does.
stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (isTerminalGone(error)) return;
  process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.failure);
});

const failed = await runApplication(process.argv.slice(2), context);
process.exitCode = failed ?? exitCode;
