import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadKeys } from '@modelhost/keys-file';
import { HostError } from '@modelhost/kernel';
import type { JsonObject } from '@modelhost/kernel';
import type { FacadeCore, FacadeService } from '@modelhost/mcp-gateway';
import { createHostRedactor } from '@modelhost/redaction';
import { askMcp } from '../fixtures/mcp-request.ts';
import { startTestHost } from '../fixtures/started-host.ts';
import { createViews } from './facade.ts';
import { hideInFacade, hideInServices } from './hide-in-facade.ts';

// Built from parts, so that no scanner takes it for a real one.
const token = ['ghp', 'aB3dE5gH7jK9mN1pQ3sT5vW7yZ9bC1dE3fG5'].join('_');
const environmentValue = Buffer.alloc(32, 7).toString('base64');
const keys = await loadKeys({ path: 'unused', environmentValue });
const redactor = createHostRedactor({ always: { secrets: 'token' }, keys });

function serviceOf(answer: FacadeService['answer']): FacadeService {
  const path = '/x';
  const service = { path, method: 'POST', isAuthenticated: true, resource: path, answer } as const;
  const [hidden = service] = hideInServices([service], redactor);
  return hidden;
}

const caller = { principal: undefined, baseUrl: '' };

/** One without any tool server. */
function openFacade(): FacadeCore {
  const empty = { servers: [], tools: [], prompts: [], resources: [], resourceTemplates: [] };
  const { default: core } = createViews([{ name: 'default', naming: 'prefix', search: 'never' }], {
    relay: {
      catalogue: () => empty,
      exchange: async () => assert.fail(),
      abandon: () => {},
      onChange: () => () => {},
      watchResource: async () => assert.fail(),
    },
    keys,
    redactor,
    clock: { now: () => 0, setTimer: () => () => {} },
    version: '1',
  });
  return core ?? assert.fail();
}

test('what a service is asked, answers or refuses with is hidden', async () => {
  const asked: JsonObject[] = [];
  const answering = serviceOf(async (body) => {
    asked.push(body);
    return { decision: false, context: { error: [`a ${token}`] } };
  });
  assert.deepEqual(await answering.answer({ resource: [token] }, caller), {
    decision: false,
    context: { error: ['a [SECRET]'] },
  });
  assert.deepEqual(asked, [{ resource: ['[SECRET]'] }]);
  const refusing = serviceOf(async () => {
    throw new HostError('validation_failed', `no ${token}`);
  });
  await assert.rejects(refusing.answer({}, caller), {
    code: 'validation_failed',
    message: 'no [SECRET]',
  });
  const broken = new TypeError('x');
  await assert.rejects(
    serviceOf(async () => {
      throw broken;
    }).answer({}, caller),
    broken,
  );
});

test('whoever may not watch a resource hears the reason without what is hidden', async () => {
  const refuse = async (): Promise<never> => {
    throw new HostError('policy_violation', `no ${token}`, { facts: { rule: token, tool: 'x' } });
  };
  const facade: FacadeCore = {
    ...openFacade(),
    watchResource: refuse,
    subscribe: (_caller, _params, sink) => {
      sink.onRefuse({ code: 1, message: `no ${token}`, data: { rule: token } });
      return () => {};
    },
  };
  const core = hideInFacade(facade, redactor);
  const principal = { tenant: 'acme', subject: 'ann', roles: [] };
  const asking = { principal, capabilities: {}, era: 'modern' } as const;
  await assert.rejects(core.watchResource(asking, 'x:1'), {
    code: 'policy_violation',
    message: 'no [SECRET]',
    facts: { rule: '[SECRET]', tool: 'x' },
  });
  const errors: unknown[] = [];
  const onRefuse = (error: unknown): void => void errors.push(error);
  const nothing = (): void => assert.fail('it is refused');
  const sink = { onAccept: nothing, onRefuse, onChange: nothing, onEnd: nothing };
  core.subscribe(asking, {}, sink);
  const data = { rule: '[SECRET]' };
  assert.deepEqual(errors, [{ code: 1, message: 'no [SECRET]', data }]);
});

test('an error of the façade tells nothing of a secret in the request', async () => {
  await using started = await startTestHost({ mcp: { port: 0 }, isOpen: true });
  const url = `http://${started.host.mcpAddress}/mcp`;
  const response = await askMcp(url, 'prompts/get', { params: { name: token } });
  const text = await response.text();
  assert.match(text, /\[SECRET\]/);
  assert.ok(!text.includes(token));
});
