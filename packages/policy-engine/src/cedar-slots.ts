import { sha256Hex } from '@modelhost/kernel';

/** How much may be prepared at a time. */
export interface SlotBounds {
  readonly slotsMax: number;
  /** Of all that is prepared together. What is heavier by itself is prepared nevertheless, alone. */
  readonly weightMax: number;
}

/** How a name of the instance is filled and emptied. Both may throw; then the name counts as empty. */
interface SlotFiller {
  readonly prepare: (name: string) => void;
  readonly drop: (name: string) => void;
}

/** Names of an instance under which something is prepared. */
export interface Slots {
  /** Name for the content, prepared now if it is not. */
  nameOf(content: object, weight: number, filler: SlotFiller): string;
  /** Forgets everything, since the instance is a new one. */
  clear(): void;
}

interface Slot {
  readonly name: string;
  readonly weight: number;
}

/**
 * Cedar has no way to forget a prepared name, so a fixed number of names is written over again and again, and emptied
 * where the bound asks for it. Contents are told apart by their digest; that of an object is computed once.
 */
export function createSlots(prefix: string, { slotsMax, weightMax }: SlotBounds): Slots {
  // By digest, least recently used first.
  const slots = new Map<string, Slot>();
  const digests = new WeakMap<object, string>();
  let freeNames: string[] = [];
  let namesMade = 0;
  let weightUsed = 0;

  function digestOf(content: object): string {
    const digest = digests.get(content) ?? sha256Hex(JSON.stringify(content));
    digests.set(content, digest);
    return digest;
  }

  function makeRoom(weight: number, drop: (name: string) => void): void {
    for (const [digest, slot] of slots) {
      if (slots.size < slotsMax && weightUsed + weight <= weightMax) return;
      slots.delete(digest);
      weightUsed -= slot.weight;
      freeNames.push(slot.name);
      drop(slot.name);
    }
  }

  function freeName(): string {
    const free = freeNames.pop();
    if (free !== undefined) return free;
    namesMade += 1;
    return `${prefix}-${String(namesMade)}`;
  }

  return {
    nameOf: (content, weight, { prepare, drop }) => {
      const digest = digestOf(content);
      const known = slots.get(digest);
      if (known !== undefined) {
        slots.delete(digest);
        slots.set(digest, known);
        return known.name;
      }
      makeRoom(weight, drop);
      const name = freeName();
      try {
        prepare(name);
      } catch (thrown) {
        freeNames.push(name);
        throw thrown;
      }
      slots.set(digest, { name, weight });
      weightUsed += weight;
      return name;
    },
    clear: () => {
      slots.clear();
      freeNames = [];
      namesMade = 0;
      weightUsed = 0;
    },
  };
}
