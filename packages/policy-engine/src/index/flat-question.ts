import type { CedarValueJson, PolicyJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';
import type { CedarQuestion } from '../cedar-runtime.ts';
import { uidOf } from '../entity-uid.ts';

/** A value that rules read: a member of the context, of the principal or of the resource, and so on within it. */
export interface Path {
  readonly root: Root;
  readonly names: readonly string[];
}

/** What is sent of a path: its value, only that it has one, or of an entity its name as text. */
export interface Sent extends Path {
  readonly as: 'value' | 'presence' | 'name';
}

/** The variables that values are read from. */
export const roots = ['context', 'principal', 'resource'] as const;
/** One of {@link roots}. */
export type Root = (typeof roots)[number];

/**
 * Rules of which every value that they read is a member of the context by itself, named by its number, and of which the
 * heads are gone. Cedar takes half the time for them, since nearly all of it goes into reading what it is sent: entities
 * above all, and records in records.
 */
export interface FlatRules {
  readonly policies: Readonly<Record<string, PolicyJson>>;
  readonly sent: readonly Sent[];
  /** Records that have to be there, else the rules have to be asked as they stand. */
  readonly needed: readonly Path[];
  /** Whether rules look at who acts or on what as such; else all are asked as if they were the same. */
  readonly isAboutEntities: boolean;
  /** Whether rules ask what they are in. */
  readonly isPrincipalPlaced: boolean;
  readonly isResourcePlaced: boolean;
}

/** The question for flat rules; undefined when a record is missing of which they ask for members. */
export function flatQuestion(question: CedarQuestion, rules: FlatRules): CedarQuestion | undefined {
  const { principal, action, resource } = question;
  const records = {
    context: question.context,
    principal: attributesOf(question, principal),
    resource: attributesOf(question, resource),
  };
  if (rules.needed.some((path) => !isRecord(valueAt(records, path)))) return undefined;
  const context: Record<string, CedarValueJson> = {};
  for (const [number, sent] of rules.sent.entries()) {
    const value = valueAt(records, sent);
    if (value !== undefined) context[number] = valueFor(sent, value);
  }
  const placed = [
    ...(rules.isPrincipalPlaced ? [principal] : []),
    ...(rules.isResourcePlaced ? [resource] : []),
  ];
  const entities = placed.flatMap((reference) => {
    const entity = entityOf(question, reference);
    return entity === undefined ? [] : [{ ...entity, attrs: {} }];
  });
  if (!rules.isAboutEntities) return { ...anybody, context, entities };
  return { principal, action, resource, context, entities };
}

const anybody = {
  principal: { type: 'Any', id: '' },
  action: { type: 'Action', id: '' },
  resource: { type: 'Any', id: '' },
};

function valueFor({ as }: Sent, value: CedarValueJson): CedarValueJson {
  switch (as) {
    case 'value':
      return value;
    case 'presence':
      return true;
    case 'name':
      // What is no entity is equal to none.
      return entityName(value) ?? false;
  }
}

/** A name as text for an entity, undefined for any other value. A type has no quotation mark, so no two have one name. */
export function entityName(value: CedarValueJson): string | undefined {
  if (typeof value !== 'object' || value === null || !('__entity' in value)) return undefined;
  // Cedar's format has nothing else under this key.
  const { type, id } = value['__entity'] as TypeAndId;
  return `${type}"${id}`;
}

type Records = Readonly<Record<Root, Record<string, CedarValueJson>>>;

function valueAt(records: Records, { root, names }: Path): CedarValueJson | undefined {
  let value: CedarValueJson | undefined = records[root];
  for (const name of names) value = isRecord(value) ? memberOf(value, name) : undefined;
  return value;
}

function memberOf(
  record: Readonly<Record<string, CedarValueJson>>,
  name: string,
): CedarValueJson | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function isRecord(value: CedarValueJson | undefined): value is Record<string, CedarValueJson> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !('__entity' in value || '__extn' in value)
  );
}

function attributesOf(
  question: CedarQuestion,
  reference: CedarQuestion['principal'],
): Record<string, CedarValueJson> {
  return entityOf(question, reference)?.attrs ?? {};
}

function entityOf(
  { entities }: CedarQuestion,
  reference: CedarQuestion['principal'],
): CedarQuestion['entities'][number] | undefined {
  const { type, id } = uidOf(reference);
  return entities.find((entity) => {
    const uid = uidOf(entity.uid);
    return uid.type === type && uid.id === id;
  });
}
