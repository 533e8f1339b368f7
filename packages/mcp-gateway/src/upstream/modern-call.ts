import type { JsonObject } from '@modelhost/kernel';
import type { Exchange, ExchangeOutcome } from '../relay.ts';
import { failed } from './failures.ts';
import type { Inquiry } from './inquiry.ts';
import { readOutcome, unreadable } from './outcome.ts';
import { splitRoots, withRoots, withoutRoots } from './roots.ts';
import type { RpcAnswer } from './rpc-message.ts';
import { followTask } from './task-follower.ts';
import type { TaskOptions } from './task-follower.ts';

/** What a call to an upstream of 2026-07-28 is made of. */
export interface ModernCallOptions extends Omit<TaskOptions, 'method'> {
  readonly exchange: Exchange;
  /** Of the arguments, for `tools/call` over HTTP. */
  readonly headers: Readonly<Record<string, string>>;
  readonly wantsProgress: boolean;
  /** The caller said that the upstream may go on by a task. */
  readonly mayBeTask: boolean;
}

const rootsRoundsMax = 8;

/** Sends the request, and again with the configured roots for as long as the upstream asks for nothing else. */
export async function runModernCall(
  inquiry: Inquiry,
  options: ModernCallOptions,
): Promise<ExchangeOutcome> {
  const { server, exchange, rootsResult, mayBeTask } = options;
  let params =
    rootsResult === undefined ? exchange.params : withRoots(exchange.params, rootsResult);
  for (let round = 0; round <= rootsRoundsMax; round += 1) {
    // Each round answers the one before it.
    const answer = await inquiry.ask(toRequest(params, options)); // oxlint-disable-line no-await-in-loop
    refuseEra(answer, server);
    const outcome = readOutcome(answer, exchange.method, server);
    if (outcome.kind === 'task') {
      if (!mayBeTask) throw unreadable(server);
      return await followTask(inquiry, outcome.task, { ...options, method: exchange.method }); // oxlint-disable-line no-await-in-loop
    }
    if (outcome.kind !== 'input-required' || rootsResult === undefined) return outcome;
    const rest = withoutRoots(outcome);
    const asksNothingElse = Object.keys(rest.inputRequests).length === 0;
    if (!asksNothingElse || splitRoots(outcome.inputRequests).rootsKeys.length === 0) return rest;
    params = withRoots({ ...exchange.params, ...stateOf(rest) }, rootsResult);
  }
  throw failed('mcp_protocol_error', server, 'it asks for its roots without end', {
    facts: { sent: 'true' },
  });
}

function stateOf({ requestState }: ExchangeOutcome & { kind: 'input-required' }): JsonObject {
  return requestState === undefined ? {} : { requestState };
}

function toRequest(
  params: JsonObject,
  { exchange: { method }, meta, wantsProgress, headers }: ModernCallOptions,
): Parameters<Inquiry['ask']>[0] {
  return { method, params, meta, wantsProgress, headers };
}

/** A server that was replaced by one of another era does nothing with the request. */
function refuseEra(answer: RpcAnswer, server: string): void {
  if (answer.kind !== 'error' || answer.error.code !== unsupportedVersion) return;
  const reason = 'it does not speak this version of the protocol any more';
  const facts = { session_lost: 'true', era_lost: 'true' };
  throw failed('mcp_connection_failed', server, reason, { facts });
}

const unsupportedVersion = -32_022;
