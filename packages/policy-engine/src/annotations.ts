import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { Obligations } from '@modelhost/kernel';
import type { AnnotatedPolicy, Fail } from './annotation-values.ts';
import { textBounds } from './bounds.ts';
import { obligationAnnotations, readObligation } from './oblige-annotations.ts';
import { readRemedy, remedyAnnotations } from './remedy-annotations.ts';
import type { RuleRemedy } from './remedy-annotations.ts';

/** Which of the two sets of a rule set: who may, or what must be done. A rule of `oblige` can never grant. */
export type RuleSetPart = 'authorize' | 'oblige';

/** What a rule says of itself. */
export interface RuleAnnotations {
  readonly id: string;
  readonly message: string;
  /** The way out of a forbid. */
  readonly remedy: RuleRemedy | undefined;
  /** What a rule of the oblige set demands; undefined in the other. */
  readonly obligation: Obligations | undefined;
}

/** Rules that decisions name though nobody wrote them. */
const ownCodes = ['default-deny', 'obligation-unsupported', 'policy-error'];
const known: Readonly<Record<RuleSetPart, readonly string[]>> = {
  authorize: ['id', 'message', ...remedyAnnotations],
  oblige: ['id', 'message', ...obligationAnnotations],
};

/** Reads a rule's annotations. An unknown one is refused: a duty that the host would not keep must not look kept. */
export function readAnnotations(
  policy: PolicyJson,
  part: RuleSetPart,
  fail: Fail,
): RuleAnnotations {
  const { effect } = policy;
  const annotations = new Map(Object.entries(policy.annotations ?? {}));
  const id = readId(annotations, fail);
  checkPart({ id, effect, annotations }, part, fail);
  const message = annotations.get('message') ?? defaultMessage(id, effect, part);
  if (message.length > textBounds.messageLength) {
    throw fail(
      `the @message of rule "${id}" is too long`,
      `use at most ${textBounds.messageLength} characters`,
    );
  }
  const annotated = { id, effect, annotations };
  switch (part) {
    case 'authorize':
      return { id, message, remedy: readRemedy(annotated, fail), obligation: undefined };
    case 'oblige':
      return { id, message, remedy: undefined, obligation: readObligation(annotated, fail) };
  }
}

function checkPart(
  { id, effect, annotations }: AnnotatedPolicy,
  part: RuleSetPart,
  fail: Fail,
): void {
  if (part === 'authorize' && annotations.has('oblige')) {
    throw fail(
      `rule "${id}" has @oblige in a file of rules that authorize`,
      'move it to oblige.cedar or to a file in oblige/',
    );
  }
  if (part === 'oblige' && effect === 'forbid') {
    throw fail(
      `rule "${id}" has @oblige on a forbid, which would never oblige to anything`,
      'write permit; in this set it grants nothing',
    );
  }
  const unknown = [...annotations.keys()].find((name) => !known[part].includes(name));
  if (unknown !== undefined) {
    throw fail(
      `rule "${id}" has an unknown annotation @${unknown.slice(0, 100)}`,
      `known here are ${known[part].map((name) => `@${name}`).join(', ')}`,
    );
  }
}

function defaultMessage(id: string, effect: PolicyJson['effect'], part: RuleSetPart): string {
  return part === 'oblige' ? `obliged by rule ${id}` : `${effect} by rule ${id}`;
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
