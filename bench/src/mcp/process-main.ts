/**
 * A process of the bench, by its first argument. Those that listen print `port N`, and end with their input.
 * `raw TOOLS`, `relay ORIGIN`, `naive URL`, `sdk`, `gateway URL BIG-URL`; `echo` speaks over stdio.
 */
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { AddressInfo, Server } from 'node:net';
import { createEchoServer, createNaiveGateway, createSdkServer } from './naive.ts';
import { startGateway } from './gateway.ts';
import { createRawServer } from './raw-server.ts';
import { createRelay } from './relay.ts';

const [kind, first = '', second = ''] = process.argv.slice(2);

switch (kind) {
  case 'raw':
    listen(createRawServer(Number(first)));
    break;
  case 'relay':
    listen(createRelay(first));
    break;
  case 'naive':
    listen(await createNaiveGateway(first));
    break;
  case 'sdk':
    listen(createSdkServer());
    break;
  case 'gateway':
    announce(await startGateway(first, second));
    break;
  case 'echo':
    serveStdio(createEchoServer);
    break;
  case undefined:
  default:
    throw new Error(`${kind}: no such process`);
}

function listen(server: Server): void {
  server.listen(0, '127.0.0.1', () => {
    // A listening TCP server has an address with a port.
    announce((server.address() as AddressInfo).port);
  });
}

function announce(port: number): void {
  console.log(`port ${port}`);
  process.stdin.on('end', () => process.exit(0)).resume();
}
