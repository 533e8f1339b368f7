import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { ReplayVerdict } from '@modelhost/contracts';
import type { ModelHostClient } from '@modelhost/sdk';
import type { ModelRequest, OnModelRequest } from './model-server.ts';
import { isCompleted, isLeft, isOk } from './watched-run.ts';
import type { WatchedRun } from './watched-run.ts';

/** An effect, as the tool server noted it by itself. */
export interface Effect {
  readonly atMs: number;
  readonly tool: string;
  readonly text: string;
}

/** Reads the log of a tool server. */
export async function readEffects(path: string): Promise<readonly Effect[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [atMs = '', tool = '', text = ''] = line.split(' ');
    return { atMs: Number(atMs), tool, text };
  });
}

/** Tools whose effect must not happen twice. */
const onceTools: ReadonlySet<string> = new Set(['pay', 'sign']);

/** What happened to the effects of some runs. */
export interface EffectCount {
  readonly effects: number;
  /** Of tools that may be repeated: an attempt that was interrupted, and another one. */
  readonly repeated: number;
}

/**
 * At most once: never twice. Any tool: not again once its result was seen, and at least once when it was seen to be done. A call
 * that nobody waits for any more may still be on its way to the tool, so that its only effect comes late.
 */
export function checkEffects(
  runs: readonly Pick<WatchedRun, 'tools'>[],
  effects: readonly Effect[],
): EffectCount {
  const byText = Map.groupBy(effects, ({ text }) => text);
  let repeated = 0;
  for (const [text, done] of byText) {
    const [{ tool } = { tool: '' }] = done;
    if (onceTools.has(tool)) assert.equal(done.length, 1, `${tool} ${text} happened twice`);
    repeated += done.length - 1;
  }
  for (const { tools } of runs) {
    for (const [text, seen] of tools) {
      const done = byText.get(text) ?? [];
      const late = done.filter(({ atMs }) => atMs > seen.seenAtMs);
      const unseen = isLeft(seen) ? late.slice(1) : late;
      assert.deepEqual(unseen, [], `${text} happened again after its result was seen`);
      if (isOk(seen) && !text.includes('/ask')) {
        assert.ok(done.length > 0, `${text} is done and never happened`);
      }
    }
  }
  return { effects: effects.length, repeated };
}

/** How the model's turn ended, as the client was told. */
export interface SeenTurn extends ModelRequest {
  /** Whether the host had all of the answer; otherwise it hung up, as it does when a run is stopped. */
  readonly isAnswered: boolean;
}

/**
 * Notes what the model is asked, and finds what it is asked again although a client has seen the end of it. A turn without an
 * answer may have its only request read late: it was on the wire when the run was stopped, and the client was told sooner than
 * the model was. Its asker hung up before it told anybody, though; one that is there for all of the answer asks again.
 */
export interface ModelWatch {
  readonly onRequest: OnModelRequest;
  readonly onTurnSeen: (turn: SeenTurn) => void;
  readonly violations: readonly string[];
  requests(): number;
}

/** Starts with nothing. */
export function createModelWatch(): ModelWatch {
  /** Whether it was answered, by turn. */
  const seen = new Map<string, boolean>();
  const violations: string[] = [];
  let requests = 0;
  return {
    violations,
    requests: () => requests,
    onTurnSeen: ({ name, turn, isAnswered }) => void seen.set(`${name}/${turn}`, isAnswered),
    onRequest: ({ name, turn }) => {
      requests += 1;
      const wasAnswered = seen.get(`${name}/${turn}`);
      const fail = (): void => void violations.push(`turn ${turn} of ${name} was asked again`);
      if (wasAnswered === true) fail();
      return () => {
        if (wasAnswered === false) fail();
      };
    },
  };
}

/** What the client shows in the end is what the host has, however often the client came back; and a replay tells the same. */
export async function checkRun(client: ModelHostClient, run: WatchedRun): Promise<void> {
  const { runId, events, result, plan } = run;
  const { name } = plan.task;
  assert.deepEqual(
    events.map(({ sequence }) => sequence),
    events.map((_, index) => BigInt(index + 1)),
  );
  const ends = events.filter(({ event }) => event.case === 'runFinished');
  assert.equal(ends.length, 1, `${name} has one end`);
  const kept = await client.getRun(runId);
  assert.deepEqual(kept.result, result, `${name} ended as GetRun says`);
  if (isCompleted(run)) assert.equal(lastText(run), result.answer, `the text of ${name}`);
  for await (const item of client.replayRun(runId)) {
    if (item.case === 'result') {
      assert.equal(item.value.verdict, ReplayVerdict.EQUAL, `the replay of ${name}`);
    }
  }
}

/** The text of the last answer, as a client shows it that drops what a step that begins again has told. */
function lastText({ events }: WatchedRun): string {
  const texts = new Map<string, string>();
  let last = '';
  for (const { step, event } of events) {
    if (event.case === 'stepReset') texts.set(step, '');
    if (event.case !== 'textDelta') continue;
    texts.set(step, `${texts.get(step) ?? ''}${event.value.text}`);
    last = step;
  }
  return texts.get(last) ?? '';
}
