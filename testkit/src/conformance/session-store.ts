import { suite, test } from 'node:test';
import type { SessionStore } from '@modelhost/kernel';
import { branchRules } from './session-branches.ts';
import { sessionLaws } from './session-laws.ts';
import { turnRules } from './session-turns.ts';
import { sessionRules } from './sessions.ts';

/** A store that a test uses alone and closes. */
export interface SessionStoreUnderTest {
  readonly store: SessionStore;
  close(): Promise<void>;
}

/** Makes a new, empty store. */
export type MakeSessionStore = () => SessionStoreUnderTest | Promise<SessionStoreUnderTest>;

/** What one test does with a store of its own, by the sentence that it proves. */
export type SessionRules = Readonly<Record<string, (store: SessionStore) => Promise<void>>>;

/**
 * Registers, with node:test, every rule of the port `SessionStore` as one test. A store that is shared by several hosts must pass the
 * same rules.
 */
export function sessionStoreConformance(name: string, makeStore: MakeSessionStore): void {
  suite(`${name} keeps the rules of a session store`, () => {
    const rules = { ...sessionRules, ...turnRules, ...branchRules };
    for (const [sentence, check] of Object.entries(rules)) {
      test(sentence, async () => {
        const made = await makeStore();
        try {
          await check(made.store);
        } finally {
          await made.close();
        }
      });
    }
    for (const [sentence, check] of Object.entries(sessionLaws)) {
      test(sentence, async () => check(makeStore));
    }
  });
}
