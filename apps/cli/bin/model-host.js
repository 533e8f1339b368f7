#!/usr/bin/env node
// The command for whatever Node the machine has: the sources need the Node that came with the installation, and an older
// one hands over to it. Plain JavaScript, because that older one has to read this file.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { keepCompiled } from './compile-cache.js';

const { env, features } = process;
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));
keepCompiled(env);
if (features.typescript) {
  process.argv[1] = main;
  await import(main);
} else {
  const node = fileURLToPath(new URL('../../../node_modules/.bin/node', import.meta.url));
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both; what is sent to this process alone has to reach the command too.
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => {});
  child.on('error', (error) => {
    console.error(`model-host: ${node} cannot be started (${error.message}); run \`npm ci\``);
    process.exitCode = 1;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  });
}
