import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readHostConfig } from '@modelhost/host';
import { chooseModel } from './model-choice.ts';

const file = fileURLToPath(new URL('../../../../examples/demo/model-host.yaml', import.meta.url));
const keys = { OPENAI_API_KEY: 'a', ANTHROPIC_API_KEY: 'b', GEMINI_API_KEY: 'c' };
const { signal } = new AbortController();
const auto = { model: 'auto', name: undefined, signal } as const;

test('where nobody can be asked, auto is the demo model, whatever keys there are', async () => {
  const choice = await chooseModel({ environment: keys, ask: undefined }, auto);
  assert.match(choice.title, /demo model/);
  assert.deepEqual(choice.settings, []);
});

test('a person is offered what has a key, and Enter or nonsense is the demo model', async () => {
  for (const [line, title] of [
    ['1', /^OpenAI/],
    [' 3 ', /^Google Gemini/],
    ['', /demo model/],
    ['0', /demo model/],
    ['x', /demo model/],
    ['99', /demo model/],
  ] as const) {
    const questions: string[] = [];
    const ask = async (question: string): Promise<string> => {
      questions.push(question);
      return line;
    };
    const choice = await chooseModel({ environment: keys, ask }, auto);
    assert.match(questions.join(), /1 = OpenAI, 2 = Anthropic, 3 = Google Gemini/);
    assert.match(choice.title, title);
  }
});

test('every real model lays itself over the configuration of the demo, its key by reference', async () => {
  for (const model of ['openai', 'anthropic', 'gemini', 'ollama'] as const) {
    const choice = await chooseModel(
      { environment: keys, ask: undefined },
      { model, name: 'some-model', signal },
    );
    const config = readHostConfig({ file, environment: keys, flags: choice.settings });
    assert.equal(config.tree.agents[0]?.model, model);
    assert.equal(config.tree.providers[0]?.models[0]?.model, 'some-model');
    assert.doesNotMatch(choice.settings.join(), /"apiKey":"[abc]"/);
  }
});
