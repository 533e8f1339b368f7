import fc from 'fast-check';
import type { PolicyRequest, ToolDefinition, ToolEffect } from '@modelhost/kernel';
import {
  callRequest,
  inputRequest,
  modelRequest,
  nowMs,
  requestOf,
  toolOf,
} from '../fixtures/requests.ts';

/** What a generated request is made of: each member can be changed by itself. */
export interface Parts {
  readonly target: 's' | 't' | 'm' | 'output' | 'memory' | 'input' | 'result';
  readonly subject: string;
  readonly roles: readonly string[];
  readonly path: string;
  readonly count: number;
  readonly note: string | undefined;
  readonly effect: 'none' | 'irreversible';
  readonly isUntrusted: boolean;
  readonly callsInFlight: number;
  readonly costMicroUsd: number;
  readonly dayTotal: number;
  readonly isDelegated: boolean;
  readonly voters: readonly string[];
  readonly origin: 'prompt' | 'model' | undefined;
  readonly nowMs: number;
  readonly callDigest: string;
  readonly owner: string;
  readonly bytes: number;
}

const ofParts: { readonly [Name in keyof Parts]: fc.Arbitrary<Parts[Name]> } = {
  target: fc.constantFrom('s', 's', 's', 't', 't', 'm', 'output', 'memory', 'input', 'result'),
  subject: fc.constantFrom('ann', 'Ann'),
  roles: fc.constantFrom([], ['staff'], ['Staff', 'other']),
  path: fc.constantFrom('a', 'ab', 'A', 'b'),
  count: fc.constantFrom(0, 1, 2),
  note: fc.constantFrom(undefined, ''),
  effect: fc.constantFrom('none', 'irreversible'),
  isUntrusted: fc.boolean(),
  callsInFlight: fc.constantFrom(1, 2),
  costMicroUsd: fc.constantFrom(5, 5, 5, 6),
  dayTotal: fc.constantFrom(2, 3),
  isDelegated: fc.boolean(),
  voters: fc.constantFrom([], [], ['bob'], ['ann', 'bob'], ['bob', 'bob']),
  origin: fc.constantFrom(undefined, 'prompt', 'model'),
  nowMs: fc.constantFrom(nowMs, nowMs + 1_000),
  callDigest: fc.constantFrom('digest-1', 'digest-1', 'digest-2'),
  owner: fc.constantFrom('ann', 'Ann', ''),
  bytes: fc.constantFrom(1, 2),
};

const parts: fc.Arbitrary<Parts> = fc.record(ofParts);

/** Any request. */
export const someRequest: fc.Arbitrary<PolicyRequest> = parts.map(toRequest);

// The object is ours, so its keys are exactly the members.
const partNames = Object.keys(ofParts) as (keyof Parts)[];
/** Any member; and half of the time one that many rules look at, in an entity or in the context. */
const somePart = fc.oneof(
  fc.constantFrom(...partNames),
  fc.constantFrom('effect', 'roles', 'path', 'count', 'isUntrusted', 'callsInFlight', 'dayTotal'),
);

/** Two requests that differ in one member alone. */
export const nearMiss: fc.Arbitrary<readonly [PolicyRequest, PolicyRequest]> = fc
  .tuple(parts, parts, somePart)
  .map(([one, other, name]) => [toRequest(one), toRequest({ ...one, [name]: other[name] })]);

function toRequest(some: Parts): PolicyRequest {
  const { target, path, count, note, effect, voters, origin, dayTotal } = some;
  const votes = voters.map((subject) => ({ subject, roles: [] }));
  const change = {
    subject: some.subject,
    roles: some.roles,
    nowMs: some.nowMs,
    callDigest: some.callDigest,
    costMicroUsd: some.costMicroUsd,
    isDelegated: some.isDelegated,
    labels: some.isUntrusted ? ({ integrity: 'untrusted', sources: ['s'] } as const) : {},
    history: {
      callsInFlight: some.callsInFlight,
      sums: { count: { run: count, day: dayTotal } },
    },
    ...(voters.length === 0
      ? {}
      : { approval: { callDigest: 'digest-1', votes, expiresAtMs: nowMs + 500 } }),
    ...(origin === undefined
      ? {}
      : { evidence: { values: [{ path: 'path', origin, sources: [] }] } }),
  };
  const { owner, bytes } = some;
  switch (target) {
    case 'm':
      return modelRequest('m', change);
    case 'output':
      return requestOf('EmitOutput', { type: 'output' }, change);
    case 'memory': {
      const memory = { type: 'memory', namespace: 'notes', owner, bytes } as const;
      return requestOf(count === 0 ? 'ReadMemory' : 'WriteMemory', memory, change);
    }
    case 'input':
      return inputRequest(bytes, change);
    case 'result': {
      const tool = toolNamed('s', effect);
      return requestOf('AcceptToolResult', { type: 'tool-result', tool, bytes }, change);
    }
    case 's':
    case 't': {
      const values = { path, count, ...(note === undefined ? {} : { note }) };
      return callRequest(toolNamed(target, effect), values, change);
    }
  }
}

function toolNamed(server: string, effect: ToolEffect): ToolDefinition {
  return toolOf(
    { path: { type: 'string' }, count: { type: 'integer' }, note: { type: 'string' } },
    {
      name: `${server}__act`,
      server,
      effect,
      required: ['path', 'count'],
      summedArguments: ['count'],
    },
  );
}
