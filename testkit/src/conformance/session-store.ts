import { after, before, suite, test } from 'node:test';
import type { SessionStore } from '@modelhost/kernel';
import { branchRules } from './session-branches.ts';
import { sessionLaws } from './session-laws.ts';
import { turnRules } from './session-turns.ts';
import { sessionRules } from './sessions.ts';

/** A store that nobody else uses. */
export interface SessionStoreUnderTest {
  readonly store: SessionStore;
  close(): Promise<void>;
}

/** Makes a new, empty store. */
export type MakeSessionStore = () => SessionStoreUnderTest | Promise<SessionStoreUnderTest>;

/**
 * Registers, with node:test, every rule of the port `SessionStore` as one test. A store that is shared by several hosts must pass the
 * same rules.
 */
export function sessionStoreConformance(name: string, makeStore: MakeSessionStore): void {
  suite(`${name} keeps the rules of a session store`, () => {
    let made: SessionStoreUnderTest;
    before(async () => {
      made = await makeStore();
    });
    after(async () => made.close());
    const rules = { ...sessionRules, ...turnRules, ...branchRules, ...sessionLaws };
    for (const [sentence, check] of Object.entries(rules)) {
      test(sentence, async () => {
        for (const tenant of ['acme', 'evil']) await removeAll(made.store, tenant);
        await check(made.store);
      });
    }
  });
}

/** Opening a store may take long, so all rules have one, and each finds it empty. */
async function removeAll(store: SessionStore, tenant: string): Promise<void> {
  const { sessions } = await store.list(tenant, { pageSize: 100 });
  for (const session of sessions) {
    if (session.heldBy !== undefined) await store.release(session, session.heldBy);
    await store.delete(session);
  }
}
