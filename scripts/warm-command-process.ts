/** Runs one module after the other, as `warm-command.ts` asks for them. What they share is loaded once. */
import { fileURLToPath } from 'node:url';
import type { Order } from './warm-command.ts';

let orders = 0;

// Each run of the command listens for the errors of its streams, and stays.
process.stdout.setMaxListeners(0);
process.stderr.setMaxListeners(0);

// Only `warm-command.ts` has the other end.
process.on('message', (order) => void perform(order as Order));

async function perform({ module, args, environment }: Order): Promise<void> {
  orders += 1;
  process.argv = [process.execPath, fileURLToPath(module), ...args];
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, environment);
  process.exitCode = undefined;
  // With another address it is another module, and runs again.
  await import(`${module}?${orders}`);
  process.stdout.write(`\0${process.exitCode ?? 0}\n`);
}
