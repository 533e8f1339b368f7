import type { Server } from '@modelcontextprotocol/server';
import type { World } from './world.ts';

/** Tells the client of one connection what changes. Returns the way to stop. */
export function announceChanges(world: World, server: Server): () => void {
  return world.onChange((change) => {
    switch (change.type) {
      case 'tools':
        void server.sendToolListChanged().catch(ignoreClosed);
        return;
      case 'prompts':
        void server.sendPromptListChanged().catch(ignoreClosed);
        return;
      case 'resource':
        void server.sendResourceUpdated({ uri: change.uri }).catch(ignoreClosed);
    }
  });
}

/** A client that left needs no news. */
function ignoreClosed(): void {}
