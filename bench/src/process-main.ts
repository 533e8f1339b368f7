/** A process of the bench: `mock`, or `pipe` and the port of the mock. It prints its port and ends with its parent. */
import type { AddressInfo, Server } from 'node:net';
import { Pool } from 'undici';
import { createMockProvider } from './mock-provider.ts';
import { createPipe } from './pipe.ts';

const [kind, providerPort] = process.argv.slice(2);
const server: Server = kind === 'mock' ? createMockProvider() : createPipe(providerPool());
server.listen(0, '127.0.0.1', () => {
  // A listening TCP server has an address with a port.
  console.log(`port ${(server.address() as AddressInfo).port}`);
});
process.stdin.on('end', () => process.exit(0)).resume();

function providerPool(): Pool {
  return new Pool(`http://127.0.0.1:${providerPort ?? ''}`, { connections: 256, pipelining: 1 });
}
