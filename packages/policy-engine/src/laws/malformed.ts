import fc from 'fast-check';
import type { JsonObject, PolicyRequest } from '@modelhost/kernel';
import { callRequest, toolOf } from '../fixtures/requests.ts';

/** Makes of a proper request one that is none. */
export type Spoil = (request: PolicyRequest) => PolicyRequest;

/** What comes here need not keep to any type: it is looked at as if it did, to see that it is denied. */
function untyped(value: unknown): PolicyRequest {
  // The point of these requests is that they are none.
  return value as PolicyRequest;
}

function inContext(change: Readonly<Record<string, unknown>>): Spoil {
  return (request) => untyped({ ...request, context: { ...request.context, ...change } });
}

function inSpent(name: string, value: unknown): Spoil {
  return (request) => inContext({ spent: { ...request.context.spent, [name]: value } })(request);
}

function inPrincipal(change: Readonly<Record<string, unknown>>): Spoil {
  return (request) => untyped({ ...request, principal: { ...request.principal, ...change } });
}

/** A call with these arguments instead. */
function calling(properties: JsonObject, values: unknown, required: readonly string[] = []): Spoil {
  // Not only JSON comes in here.
  const given = values as JsonObject;
  return ({ principal, isDelegated }) => ({
    ...callRequest(toolOf(properties, { required }), given),
    principal,
    isDelegated,
  });
}

function deep(levels: number): JsonObject {
  let value: JsonObject = {};
  for (let level = 0; level < levels; level += 1) value = { deep: value };
  return value;
}

const numbers = [
  0.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 53,
  1e21,
  '5',
  null,
  undefined,
  5n,
];
const ofType = (type: string, value: unknown): Spoil =>
  calling({ x: { type, items: { type: 'string' } } }, { x: value });

const spoils: readonly Spoil[] = [
  ...numbers.flatMap((number) => [
    inSpent('costMicroUsd', number),
    inContext({ nowMs: number }),
    ofType('integer', number),
  ]),
  inContext({ nowMs: 8.7e15 }),
  inContext({ labels: undefined }),
  inContext({
    labels: { integrity: 'trusted', sources: [], compartments: [], confidentiality: 'x' },
  }),
  inContext({ history: undefined }),
  inContext({ evidence: { values: undefined } }),
  inContext({ runId: '\ud800' }),
  inContext({ runId: 7n }),
  (request) => untyped({ ...request, context: undefined }),
  (request) => untyped({ ...request, principal: undefined }),
  (request) => untyped({ ...request, resource: undefined }),
  (request) => untyped({ ...request, action: 'Nothing' }),
  (request) => untyped({ ...request, action: 'ReadMemory' }),
  (request) => untyped({ ...request, agent: { __entity: { type: 'ModelHost::Role', id: 'a' } } }),
  inPrincipal({ tenant: 'acme/x' }),
  inPrincipal({ tenant: undefined }),
  inPrincipal({ roles: undefined }),
  inPrincipal({ roles: Array.from({ length: 65 }, (_none, index) => `r${String(index)}`) }),
  inPrincipal({ subject: '\udc00' }),
  calling({}, undefined),
  calling({}, { a: { __entity: { type: 'ModelHost::Role', id: 'acme/admin' } } }),
  calling({}, { a: [{ __extn: { fn: 'ip', arg: '::1' } }] }),
  calling({}, Object.fromEntries([['__proto__', { a: 1 }]])),
  calling({}, deep(400)),
  calling({}, Object.fromEntries(Array.from({ length: 20_000 }, (_none, index) => [index, 1]))),
  calling({ x: { type: 'string' } }, {}, ['x']),
  ofType('string', ['/etc/passwd']),
  ofType('string', '\ud800'),
  ofType('string', null),
  ofType('number', 0.000_01),
  ofType('number', 1e21),
  ofType('boolean', 'true'),
  ofType('array', {}),
  (request) => ({ ...request, action: 'CallTool', resource: { type: 'output' } }),
  (request) =>
    untyped({ ...callRequest(toolOf({}, { name: 'UseModel' }), {}), principal: request.principal }),
  (request) => ({
    ...callRequest(toolOf({}, { summedArguments: ['total'] }), {}),
    principal: request.principal,
  }),
];

/** Any way to make a request none. */
export const malformed: fc.Arbitrary<Spoil> = fc.constantFrom(...spoils);
