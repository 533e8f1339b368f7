import { canaryKinds, createCanaries } from './canary.ts';
import type { Canary, CanaryKind } from './canary.ts';

/** Where canaries are planted, by who brings them. */
export interface Plan {
  /** Of a place; each is planted there and nowhere else. */
  of(place: Place): readonly Canary[];
  readonly all: readonly Canary[];
  /** By the name of what they are for. */
  readonly own: Readonly<Record<OwnSecret, Canary>>;
}

/** Where policy asks for addresses and cards, too. */
const governed = [
  'prompt',
  'history',
  'metadata',
  'file-name',
  'answer',
  'argument',
  'result',
  'structured',
  'long',
  'broken',
  'direct-argument',
  'facade-argument',
  'tool-error',
  'error-data',
  'progress',
] as const;
/** Where only what is hidden always can be hidden. */
const ungoverned = [
  'session-title',
  'server-error',
  'stderr',
  'description',
  'provider-error',
  'provider-header',
  'field-name',
  'question',
] as const;
/** Names that a model makes up, and addresses: both are of few characters. */
const names = ['tool-name', 'address'] as const;
/** Of the host itself, and of who calls it: they look like nothing that a rule could know. */
const own = ['api-key', 'header', 'environment', 'caller-key'] as const;

/** Where canaries are planted. */
export type Place =
  | (typeof governed)[number]
  | (typeof ungoverned)[number]
  | (typeof names)[number];
/** What there is a secret for. */
export type OwnSecret = (typeof own)[number];

const always = canaryKinds.filter((kind) => kind !== 'email' && kind !== 'card');

/** The plan is the same each time. */
export function createPlan(): Plan {
  const planted = new Map<Place, readonly Canary[]>([
    ...governed.map((place) => [place, createCanaries(place)] as const),
    ...ungoverned.map((place) => [place, createCanaries(place, always)] as const),
    ...names.map((place) => [place, createCanaries(place, ['access-token'])] as const),
  ]);
  const secrets = own.map((place) => [place, ofPlace(place, 'password')] as const);
  return {
    of: (place) => planted.get(place) ?? [],
    all: [...[...planted.values()].flat(), ...secrets.map(([, canary]) => canary)],
    // One for each of them, just made.
    own: Object.fromEntries(secrets) as Plan['own'],
  };
}

function ofPlace(place: string, kind: CanaryKind): Canary {
  const [canary] = createCanaries(place, [kind]);
  if (canary === undefined) throw new Error('one was just made');
  return canary;
}
