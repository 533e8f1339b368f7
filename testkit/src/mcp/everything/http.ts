/** The fixture over HTTP, in either era. */
import {
  createMcpHandler,
  type EventStore,
  type JSONRPCMessage,
} from '@modelcontextprotocol/server';
import {
  localhostHostValidation,
  localhostOriginValidation,
  NodeStreamableHTTPServerTransport,
  toNodeHandler,
  type NodeIncomingMessageLike,
} from '@modelcontextprotocol/node';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { announceChanges } from './changes.ts';
import { createEverythingServer, type Era } from './server.ts';
import type { World } from './world.ts';

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** Makes the listener; whoever asks for it listens and closes. */
export function createEverythingHttp(world: World, era: Era): Server {
  const isLocalHost = localhostHostValidation();
  const isLocalOrigin = localhostOriginValidation();
  const answer = era === 'modern' ? modernAnswer(world) : legacyAnswer(world);
  return createServer((request, response) => {
    if (!isLocalHost(request, response) || !isLocalOrigin(request, response)) return;
    answer(request, response).catch((cause: unknown) => {
      console.error(cause);
      response.destroy();
    });
  });
}

function modernAnswer(world: World): Answer {
  const handler = createMcpHandler(() => createEverythingServer(world, 'modern'), {
    legacy: 'reject',
  });
  world.onChange((change) => {
    switch (change.type) {
      case 'tools':
        return handler.notify.toolsChanged();
      case 'prompts':
        return handler.notify.promptsChanged();
      case 'resource':
        return handler.notify.resourceUpdated(change.uri);
    }
  });
  const answer = toNodeHandler(handler);
  // The SDK's type of a request, written without `undefined`, does not take Node's own.
  return async (request, response) => answer(request as NodeIncomingMessageLike, response);
}

function legacyAnswer(world: World): Answer {
  const sessions = new Map<string, NodeStreamableHTTPServerTransport>();

  async function open(): Promise<NodeStreamableHTTPServerTransport> {
    const server = createEverythingServer(world, 'legacy');
    const stop = announceChanges(world, server);
    const transport = new NodeStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: createEventStore(),
      retryInterval: 500,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed(id) {
        sessions.delete(id);
        stop();
      },
    });
    await server.connect(transport);
    return transport;
  }

  return async (request, response) => {
    const id = request.headers['mcp-session-id'];
    const known = typeof id === 'string' ? sessions.get(id) : undefined;
    if (typeof id === 'string' && known === undefined) {
      response.writeHead(404, { 'content-type': 'application/json' });
      response.end('{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"No session"}}');
      return;
    }
    await (known ?? (await open())).handleRequest(request, response);
  };
}

/** Events of one session, in memory, so that a client can take a broken stream up again. */
function createEventStore(): EventStore {
  const events: { readonly stream: string; readonly message: JSONRPCMessage }[] = [];
  return {
    async storeEvent(stream, message) {
      events.push({ stream, message });
      return String(events.length - 1);
    },
    async replayEventsAfter(lastEventId, { send }) {
      const last = Number(lastEventId);
      const stream = events[last]?.stream ?? '';
      for (const [at, event] of events.entries()) {
        if (at > last && event.stream === stream) await send(String(at), event.message);
      }
      return stream;
    },
  };
}
