import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contractIndex } from './contract-index.ts';

test('the index lists messages, schemas, enums and services, and renames what says too little', () => {
  const text = [
    'export const file_a: GenFile = /*@__PURE__*/',
    'export type Status = Message<"a.Status"> & {',
    'export const StatusSchema: GenMessage<Status> = /*@__PURE__*/',
    'export type Message = Message$1<"a.Message"> & {',
    'export const Kind = {',
    'export type Kind = (typeof Kind)[keyof typeof Kind] | UnknownEnum;',
    'export const KindSchema: GenEnum<Kind> = /*@__PURE__*/',
    'export const Service: GenService<{',
  ];
  const index = contractIndex(
    new Map([['packages/contracts/src/gen/a/v1/a_pb.ts', text.join('\n')]]),
  );
  assert.deepEqual(index.split('\n').slice(1), [
    "export { StatusSchema as RpcStatusSchema, Kind, Service } from './gen/a/v1/a_pb.ts';",
    "export type { Status as RpcStatus, Message } from './gen/a/v1/a_pb.ts';",
    '',
  ]);
});
