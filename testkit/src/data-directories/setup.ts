import { deskConfig, deskPolicies } from '../durability/desk.ts';
import type { HostSetup } from '../end-to-end/start-host.ts';

const call = (name: string, text: string): object => ({ name, arguments: { text } });

/** What the model plays, by a word in the task. */
const script = [
  {
    when: { userContains: 'sign', turn: 1 },
    text: 'First a note. ',
    toolCalls: [call('desk__note', 'of the contract'), call('desk__look', 'at the contract')],
  },
  {
    when: { userContains: 'sign', turn: 2 },
    toolCalls: [call('desk__sign', 'the contract')],
  },
  { when: { userContains: 'sign', turn: 3 }, text: 'The contract is signed.' },
  {
    when: { userContains: 'wait', turn: 1 },
    text: 'One moment. ',
    toolCalls: [call('desk__look', 'at the clock')],
  },
  { when: { userContains: 'wait', turn: 2 }, text: 'Later. ', delayMs: 60_000 },
  { when: { userContains: 'name' }, text: 'Your name is Ada.' },
  { when: { userContains: 'hello' }, text: 'Hello Ada.' },
];

/** Of the hosts that write the kept directories and of those that open them. */
export function createSetup(): HostSetup {
  const models = [{ id: 'model', model: 'scripted' }];
  return {
    config: {
      server: { port: 0, healthPort: 0, dataDirectory: 'data' },
      providers: [{ name: 'main', type: 'scripted', scriptFile: 'script.yaml', models }],
      agents: [{ id: 'clerk', model: 'model', tools: ['desk__*'] }],
      tools: { servers: [{ ...deskConfig('effects.log'), cwd: '.' }] },
      policies: { directory: 'policies' },
    },
    files: { 'policies/all.cedar': deskPolicies, 'script.yaml': JSON.stringify(script) },
  };
}
