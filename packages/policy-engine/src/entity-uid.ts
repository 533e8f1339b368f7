import type { EntityUidJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';

/** Type and id of a reference, whichever of its two forms Cedar chose. */
export function uidOf(reference: EntityUidJson): TypeAndId {
  return '__entity' in reference ? reference['__entity'] : reference;
}

/** A reference to an entity of the host's own schema. */
export function uid(type: string, id: string): TypeAndId {
  return { type: `ModelHost::${type}`, id };
}
