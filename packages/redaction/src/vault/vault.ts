import { HostError, type Json, type Keys, type Sealed } from '@modelhost/kernel';
import type { Placeholders } from '../styles/style.ts';
import { createConceal } from './conceal.ts';
import { readPlaceholders, restoreValues, type Restored, type Reveal } from './restore.ts';

/** Keeps the values of one session behind placeholders such as `[EMAIL_1:7f3a]`, sealed, in memory and in its state alike. */
export interface Vault extends Placeholders {
  /**
   * The arguments with their values back, for a tool that is about to be called: under the paths, and of the kinds, that are
   * revealed. One placeholder that this session never issued refuses the whole; the others stay where they are not revealed.
   */
  restore(input: Json, reveal: readonly Reveal[]): Restored;
  /** Gives what writes these placeholders, as far as this session issued them, in place of their values. */
  conceal(placeholders: readonly string[]): (text: string) => string;
  /** The value behind a placeholder, as it is kept; undefined for one that this session did not issue. */
  entryOf(placeholder: string): VaultEntry | undefined;
  /** Takes over values that this session issued before. Throws `internal` where one has the number of another value. */
  adopt(entries: readonly VaultEntry[]): void;
  /** To be kept with the session and to end with it; says nothing without the keys. */
  state(): VaultState;
}

/** What a vault is made of again. */
export interface VaultState {
  readonly entries: readonly VaultEntry[];
}

/** One value. */
export interface VaultEntry {
  /** That of its placeholder, from 1. */
  readonly number: number;
  readonly kind: string;
  /** Keyed digest of the value, by which it is found again. */
  readonly index: string;
  readonly value: Sealed;
}

/** What a vault is made of. */
export interface VaultOptions {
  readonly keys: Keys;
  /** Tenant and session: nothing that is sealed, and no placeholder, is worth anything in another one. */
  readonly context: string;
  readonly state?: VaultState;
  /** Values; what comes after them has a plain token for good. */
  readonly entriesMax?: number;
}

const entriesMaxDefault = 1_000;
const tagLength = 4;

/** Opens the vault of a session. */
export function createVault(options: VaultOptions): Vault {
  const { keys, context, state, entriesMax = entriesMaxDefault } = options;
  /** By their numbers, which count from 1 in all kinds together, so that each names one value. */
  const entries = new Map<number, VaultEntry>();
  const numbers = new Map<string, number>();
  let last = 0;
  adopt(state?.entries ?? []);

  function adopt(kept: readonly VaultEntry[]): void {
    for (const entry of kept) {
      if ((entries.get(entry.number)?.index ?? entry.index) !== entry.index) {
        throw new HostError('internal', 'two values have one placeholder');
      }
      add(entry);
    }
  }

  function add(entry: VaultEntry): void {
    entries.set(entry.number, entry);
    numbers.set(entry.index, entry.number);
    last = Math.max(last, entry.number);
  }

  function issue(kind: string, value: string): string | undefined {
    const index = keys.commit(`${kind}\n${value}`, `${context}/index`);
    const known = numbers.get(index);
    if (known !== undefined) return placeholderOf(kind, known);
    if (entries.size >= entriesMax) return undefined;
    const number = last + 1;
    add({ number, kind, index, value: keys.seal(value, `${context}/value`) });
    return placeholderOf(kind, number);
  }

  function placeholderOf(kind: string, number: number): string {
    const tag = keys.commit(`${kind}\n${number}`, `${context}/tag`).slice(0, tagLength);
    return `[${kind}_${number}:${tag}]`;
  }

  /** The entry of a placeholder that this session issued. */
  function entryOf(placeholder: string): VaultEntry | undefined {
    const [, kind = '', number = ''] = readPlaceholders.exec(placeholder) ?? [];
    const entry = entries.get(Number(number));
    const isOwn = entry?.kind === kind && placeholder === placeholderOf(kind, Number(number));
    return isOwn ? entry : undefined;
  }

  function restore(input: Json, reveal: readonly Reveal[]): Restored {
    return restoreValues(input, reveal, {
      kindOf: (placeholder) => entryOf(placeholder)?.kind,
      valueOf: (placeholder) => {
        const entry = entryOf(placeholder);
        if (entry === undefined) throw new HostError('internal', 'placeholder without a value');
        return valueOf(entry);
      },
    });
  }

  function conceal(placeholders: readonly string[]): (text: string) => string {
    return createConceal(
      [...new Set(placeholders)].flatMap((placeholder) => {
        const entry = entryOf(placeholder);
        return entry === undefined ? [] : [{ placeholder, value: valueOf(entry) }];
      }),
    );
  }

  function valueOf(entry: VaultEntry): string {
    return keys.unseal(entry.value, `${context}/value`);
  }

  return {
    issue,
    restore,
    conceal,
    entryOf,
    adopt,
    state: () => ({ entries: [...entries.values()] }),
  };
}
