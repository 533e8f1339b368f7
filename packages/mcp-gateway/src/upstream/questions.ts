import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { InputRequest, RpcError } from '../relay.ts';
import { liveErrors } from './live-request.ts';
import type { RpcId } from './rpc-message.ts';
import type { Wire } from './wire.ts';

/** Live requests of an upstream that wait for their answers, by keys of our own. */
export interface Questions {
  /** Refuses it at once when too many are open. */
  add(id: RpcId, request: InputRequest): void;
  /** Answers those that have a response; a response that is no object, or to no question, is left out. */
  answer(inputResponses: JsonObject): void;
  /** The upstream wants no answer any more. Says whether the question was here. */
  takeBack(id: RpcId): boolean;
  /** Answers all with an error. */
  refuse(error: RpcError): void;
  /** Forgets all without an answer. */
  clear(): void;
  /** Those that are open, in the order they came. */
  open(): Readonly<Record<string, InputRequest>>;
  size(): number;
}

interface Question {
  readonly id: RpcId;
  readonly request: InputRequest;
}

const questionsMax = 16;
/** Member of `_meta` by which an upstream may name its question: before 2026-07-28 there is no place for it. */
const inputKeyMember = 'modelhost/input-key';
const inputKeyPattern = /^[A-Za-z][\w.-]{0,63}$/;

/** Without questions at first. */
export function createQuestions(wire: Wire): Questions {
  const questions = new Map<string, Question>();
  let questionsAsked = 0;

  function add(id: RpcId, request: InputRequest): void {
    if (questions.size >= questionsMax) {
      wire.answer(id, { kind: 'error', error: liveErrors.tooMany });
      return;
    }
    questionsAsked += 1;
    const { key, plain } = takeKey(request);
    const isFree = key !== undefined && !questions.has(key);
    questions.set(isFree ? key : `input-${questionsAsked}`, { id, request: plain });
  }

  function answer(inputResponses: JsonObject): void {
    for (const [key, result] of Object.entries(inputResponses)) {
      const question = questions.get(key);
      if (question === undefined || !isJsonObject(result)) continue;
      questions.delete(key);
      wire.answer(question.id, { kind: 'result', result });
    }
  }

  function takeBack(id: RpcId): boolean {
    for (const [key, question] of questions) {
      if (question.id === id) return questions.delete(key);
    }
    return false;
  }

  function refuse(error: RpcError): void {
    for (const { id } of questions.values()) wire.answer(id, { kind: 'error', error });
    questions.clear();
  }

  function open(): Readonly<Record<string, InputRequest>> {
    return Object.fromEntries([...questions].map(([key, { request }]) => [key, request]));
  }

  return {
    add,
    answer,
    takeBack,
    refuse,
    clear: () => questions.clear(),
    open,
    size: () => questions.size,
  };
}

/** The upstream's own name of its question, and the question without it. */
function takeKey(request: InputRequest): {
  readonly key: string | undefined;
  readonly plain: InputRequest;
} {
  const { _meta: meta, ...params } = request.params;
  if (!isJsonObject(meta)) return { key: undefined, plain: request };
  const { [inputKeyMember]: named, ...rest } = meta;
  const key = typeof named === 'string' && inputKeyPattern.test(named) ? named : undefined;
  const isEmpty = Object.keys(rest).length === 0;
  return { key, plain: { ...request, params: isEmpty ? params : { ...params, _meta: rest } } };
}
