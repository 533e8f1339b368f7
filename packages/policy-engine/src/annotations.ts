import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { HostError } from '@modelhost/kernel';
import { textBounds } from './bounds.ts';

/** The way out of a forbid: a human's approval. */
export interface Remedy {
  /** Roles that may approve; empty leaves it to the host. */
  readonly approvers: readonly string[];
  readonly ttlMs: number;
  /** Whether the principal may approve its own call. */
  readonly isSelfApprovalAllowed: boolean;
}

/** What a rule says of itself. */
export interface RuleAnnotations {
  readonly id: string;
  readonly message: string;
  readonly remedy: Remedy | undefined;
}

type Fail = (problem: string, remedy: string) => HostError;

const known = ['id', 'message', 'remedy', 'approvers', 'ttl_seconds', 'self_approval'];
const ownCodes = ['default-deny', 'policy-error'];
const ttlSecondsDefault = 900;
const ttlSecondsMax = 7 * 24 * 3600;

/** Reads a rule's annotations. An unknown one is refused: a duty that the host would not keep must not look kept. */
export function readAnnotations(policy: PolicyJson, fail: Fail): RuleAnnotations {
  const annotations = new Map(Object.entries(policy.annotations ?? {}));
  const id = readId(annotations, fail);
  const unknown = [...annotations.keys()].find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw fail(
      `rule "${id}" has an unknown annotation @${unknown}`,
      `known are ${known.map((name) => `@${name}`).join(', ')}`,
    );
  }
  const message = annotations.get('message') ?? `${policy.effect} by rule ${id}`;
  if (message.length > textBounds.messageLength) {
    throw fail(
      `the @message of rule "${id}" is too long`,
      `use at most ${textBounds.messageLength} characters`,
    );
  }
  return { id, message, remedy: readRemedy({ id, policy, annotations }, fail) };
}

function readId(annotations: ReadonlyMap<string, string>, fail: Fail): string {
  const id = annotations.get('id');
  if (id === undefined) {
    throw fail(
      'the rule has no @id',
      'put @id("area.what") before it, so that decisions can name it',
    );
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/.test(id)) {
    throw fail(
      'the @id of the rule cannot be used as a name',
      'use at most 100 letters, digits, dots, dashes, underscores and slashes',
    );
  }
  if (ownCodes.includes(id)) {
    throw fail(`the @id "${id}" is a code of the host`, 'choose another name');
  }
  return id;
}

interface AnnotatedPolicy {
  readonly id: string;
  readonly policy: PolicyJson;
  readonly annotations: ReadonlyMap<string, string>;
}

function readRemedy({ id, policy, annotations }: AnnotatedPolicy, fail: Fail): Remedy | undefined {
  const remedy = annotations.get('remedy');
  if (remedy === undefined) {
    const orphan = ['approvers', 'ttl_seconds', 'self_approval'].find((name) =>
      annotations.has(name),
    );
    if (orphan === undefined) return undefined;
    throw fail(`rule "${id}" has @${orphan} without a remedy`, 'add @remedy("approval")');
  }
  if (remedy !== 'approval') {
    throw fail(`rule "${id}" has an unknown @remedy`, 'the only remedy is "approval"');
  }
  if (policy.effect !== 'forbid') {
    throw fail(`rule "${id}" permits, so there is nothing to remedy`, 'put @remedy on a forbid');
  }
  return {
    approvers: readApprovers(id, annotations.get('approvers'), fail),
    ttlMs: readTtlSeconds(id, annotations.get('ttl_seconds'), fail) * 1000,
    isSelfApprovalAllowed: readSelfApproval(id, annotations.get('self_approval'), fail),
  };
}

function readApprovers(id: string, text: string | undefined, fail: Fail): readonly string[] {
  if (text === undefined) return [];
  const roles = text.split(',').map((role) => role.trim());
  if (roles.includes('')) {
    throw fail(`rule "${id}" has an empty role in @approvers`, 'write @approvers("role1,role2")');
  }
  return roles;
}

function readTtlSeconds(id: string, text: string | undefined, fail: Fail): number {
  if (text === undefined) return ttlSecondsDefault;
  const seconds = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > ttlSecondsMax) {
    throw fail(
      `rule "${id}" has a @ttl_seconds out of bounds`,
      `use a whole number from 1 to ${ttlSecondsMax}`,
    );
  }
  return seconds;
}

function readSelfApproval(id: string, text: string | undefined, fail: Fail): boolean {
  if (text === undefined) return false;
  if (text !== 'allowed') {
    throw fail(
      `rule "${id}" has an unknown @self_approval`,
      'write @self_approval("allowed"), or leave it out',
    );
  }
  return true;
}
