import type { EntityUidJson, TypeAndId } from '@cedar-policy/cedar-wasm/nodejs';

/** Type and id of a reference, whichever of its two forms Cedar chose. */
export function uidOf(reference: EntityUidJson): TypeAndId {
  return '__entity' in reference ? reference['__entity'] : reference;
}
