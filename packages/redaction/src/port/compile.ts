import type { Keys, RedactionStyles } from '@modelhost/kernel';
import { createDetectors, type Detectors } from '../detectors.ts';
import { createRedactor, type Redactor } from '../stream/redactor.ts';
import { stricter, type Placeholders } from '../styles/style.ts';

/** A redactor that all sessions with the same demands share: to make one takes milliseconds. */
export interface SharedRedactor {
  /** JSON in which it found nothing. None of it may ever be changed, as nothing here is. */
  readonly clean: WeakSet<object>;
  /** Lends it out, with the placeholders of whoever uses it. The work ends before anything else happens. */
  use<T>(placeholders: Placeholders, work: (redactor: Redactor) => T): T;
}

/** Gives the redactor for a tenant's styles; undefined where nothing is to be hidden. */
export type Compile = (tenant: string, styles: RedactionStyles) => SharedRedactor | undefined;

/** What the host's redactor is made of. */
export interface HostRedactorOptions {
  readonly always: RedactionStyles;
  readonly keys: Keys;
  /** The dictionary of a tenant, for the detector `term`. Absent: none. */
  readonly termsOf?: (tenant: string) => readonly string[];
}

// Past it, what was used longest ago is made again when it is needed.
const keptMax = 64;

/** Makes redactors and keeps them. An unknown detector is `config_invalid`. */
export function createCompile({ always, keys, termsOf = () => [] }: HostRedactorOptions): Compile {
  const detectorsOf = keep<Detectors>();
  const redactorOf = keep<SharedRedactor>();
  const demandsOf = createDemands(always);

  return (tenant, asked) => {
    const { styles, names, needsTerms, isKeyed, key } = demandsOf(asked);
    if (names.length === 0) return undefined;
    // The text of the styles ends where its object does, so nothing that follows is mistaken for a part of it.
    return redactorOf(needsTerms || isKeyed ? `${key} ${tenant}` : key, () => {
      const detectors = detectorsOf(JSON.stringify([needsTerms ? tenant : '', names]), () =>
        createDetectors({ detectors: names, terms: needsTerms ? termsOf(tenant) : [] }),
      );
      const hashKey = isKeyed ? keys.commit(tenant, 'redaction/hash') : '';
      return share({ detectors, styles, hashKey });
    });
  };
}

/** What is hidden always and what is asked for, together. */
interface Demands {
  readonly styles: RedactionStyles;
  readonly names: readonly string[];
  readonly needsTerms: boolean;
  readonly isKeyed: boolean;
  /** The styles as text. */
  readonly key: string;
}

/** The same object is asked for again and again, by all sessions, and mostly nothing is. */
function createDemands(always: RedactionStyles): (asked: RedactionStyles) => Demands {
  const known = new WeakMap<RedactionStyles, Demands>();
  const nothingMore = joinDemands(always, {});

  return (asked) => {
    if (Object.keys(asked).length === 0) return nothingMore;
    const demands = known.get(asked) ?? joinDemands(always, asked);
    known.set(asked, demands);
    return demands;
  };
}

function joinDemands(always: RedactionStyles, asked: RedactionStyles): Demands {
  const styles = joinStyles(always, asked);
  const names = Object.keys(styles);
  const isKeyed = Object.values(styles).includes('hash');
  return {
    styles,
    names,
    needsTerms: names.includes('term'),
    isKeyed,
    key: JSON.stringify(styles),
  };
}

function share(options: {
  readonly detectors: Detectors;
  readonly styles: RedactionStyles;
  readonly hashKey: string;
}): SharedRedactor {
  let served: Placeholders | undefined;
  const vault: Placeholders = { issue: (kind, value) => served?.issue(kind, value) };
  const redactor = createRedactor({ ...options, vault });

  function use<T>(placeholders: Placeholders, work: (shared: Redactor) => T): T {
    served = placeholders;
    try {
      return work(redactor);
    } finally {
      served = undefined;
    }
  }

  return { clean: new WeakSet(), use };
}

/** Both demands at once, each the stricter way; sorted, so that the same demands are the same text. */
function joinStyles(one: RedactionStyles, other: RedactionStyles): RedactionStyles {
  const styles = new Map(Object.entries(one));
  for (const [name, style] of Object.entries(other)) {
    styles.set(name, stricter(styles.get(name) ?? style, style));
  }
  return Object.fromEntries([...styles].toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

function keep<Value>(): (key: string, make: () => Value) => Value {
  const kept = new Map<string, Value>();
  return (key, make) => {
    const value = kept.get(key) ?? make();
    kept.delete(key);
    kept.set(key, value);
    const oldest = kept.size > keptMax ? kept.keys().next().value : undefined;
    if (oldest !== undefined) kept.delete(oldest);
    return value;
  };
}
