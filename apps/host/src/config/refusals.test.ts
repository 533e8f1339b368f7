import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { changed, createConfigDirectory, good } from '../fixtures/configurations.ts';

const directory = createConfigDirectory();
after(() => directory.remove());

const refused: readonly {
  readonly title: string;
  readonly from: string;
  readonly to: string;
  readonly problems: readonly string[];
}[] = [
  {
    title: 'a mistyped key of the top level',
    from: 'providers:',
    to: 'provders:',
    problems: [
      'host.yaml:1:1: providers: is missing; give a list',
      'host.yaml:3:1: provders: unknown key; did you mean "providers"?',
    ],
  },
  {
    title: 'a mistyped key further down',
    from: 'port: 0',
    to: 'prot: 0',
    problems: ['host.yaml:2:3: server.prot: unknown key; did you mean "port"?'],
  },
  {
    title: 'a key that is like no other',
    from: 'port: 0',
    to: 'zzzzzzzz: 0',
    problems: ['host.yaml:2:3: server.zzzzzzzz: unknown key; remove it'],
  },
  {
    title: 'a text where a number belongs',
    from: 'port: 0',
    to: 'port: many',
    problems: ['host.yaml:2:9: server.port: must be a number'],
  },
  {
    title: 'a number with a unit',
    from: 'port: 0',
    to: 'requestTimeoutMs: 5s',
    problems: ['host.yaml:2:21: server.requestTimeoutMs: must be a number'],
  },
  {
    title: 'a number above its bound',
    from: 'port: 0',
    to: 'port: 65536',
    problems: ['host.yaml:2:9: server.port: must be at most 65535'],
  },
  {
    title: 'a number below its bound',
    from: 'port: 0',
    to: 'maxConnections: 0',
    problems: ['host.yaml:2:19: server.maxConnections: must be at least 1'],
  },
  {
    title: 'a fraction where a whole number belongs',
    from: 'port: 0',
    to: 'maxRunsInFlight: 1.5',
    problems: ['host.yaml:2:20: server.maxRunsInFlight: must be a whole number'],
  },
  {
    title: 'a provider of no known type',
    from: 'openai-chat',
    to: 'openai-chats',
    problems: [
      'host.yaml:5:11: providers[0].type: must be one of openai-chat, openai-responses, anthropic, gemini, scripted',
    ],
  },
  {
    title: 'a secret that stands in the file itself',
    from: '${env:MAIN_KEY}',
    to: 'sk-canary-2',
    problems: [
      'host.yaml:7:13: providers[0].apiKey: a secret must not stand here itself; write ${env:NAME} or ${file:/path}',
    ],
  },
  {
    title: 'a secret of an environment variable that is not set',
    from: 'MAIN_KEY',
    to: 'OTHER_KEY',
    problems: [
      'host.yaml:7:13: providers[0].apiKey: the environment variable OTHER_KEY is not set; set it, or remove what needs it',
    ],
  },
  {
    title: 'a secret of a file that is not there',
    from: '${env:MAIN_KEY}',
    to: '${file:no-key}',
    problems: [
      'host.yaml:7:13: providers[0].apiKey: the secret file no-key is missing or empty; write it, or remove what needs it',
    ],
  },
  {
    title: 'an agent with a model that nobody has',
    from: 'model: large',
    to: 'model: lrage',
    problems: [
      'host.yaml:13:12: agents[0].model: no provider has the model lrage; did you mean large?',
    ],
  },
  {
    title: 'an agent with a tool of no server',
    from: 'files__*',
    to: 'web__get',
    problems: [
      'host.yaml:14:13: agents[0].tools[0]: names no tool server; write alias__tool or alias__*; there is files',
    ],
  },
  {
    title: 'a tool server with neither program nor address',
    from: '      command: files-server\n',
    to: '',
    problems: [
      'host.yaml:17:7: tools.servers[0]: needs either a command (stdio) or a url (streamable HTTP)',
    ],
  },
  {
    title: 'an id that is used twice',
    from: '        model: gpt\n',
    to: '        model: gpt\n      - id: large\n        model: other\n',
    problems: [
      'host.yaml:11:13: providers[0].models[1].id: large is used twice; give each its own',
    ],
  },
  {
    title: 'a directory of policies that is not there',
    from: 'directory: policies',
    to: 'directory: polices',
    problems: [
      'host.yaml:20:14: policies.directory: there is no directory polices; make it and put .cedar files there',
    ],
  },
  {
    title: 'a certificate that is not there',
    from: 'port: 0',
    to: 'tls: { certFile: key, keyFile: none }',
    problems: ['host.yaml:2:34: server.tls.keyFile: there is no file none'],
  },
  {
    title: 'memory, which is not built yet',
    from: 'policies:\n',
    to: 'memory: { enabled: true }\npolicies:\n',
    problems: ['host.yaml:19:20: memory.enabled: memory is not built yet; leave it false'],
  },
  {
    title: 'a hash that is none',
    from: 'port: 0',
    to: 'auth: { apiKeys: [{ id: abcd, hash: plain, tenant: a, subject: s }] }',
    problems: [
      'host.yaml:2:39: server.auth.apiKeys[0].hash: must be sha256: and 64 hex digits; make a key with `model-host keys create`',
    ],
  },
  {
    title: 'an address that others reach, with neither TLS nor keys',
    from: 'port: 0',
    to: 'host: 0.0.0.0',
    problems: [
      'host.yaml:2:9: server.host: 0.0.0.0 can be reached from other machines, and TLS is off; set server.tls, or server.insecureBehindProxy: true where a proxy ends TLS',
      'host.yaml:2:9: server.host: 0.0.0.0 can be reached from other machines, and there is no API key; add one to server.auth.apiKeys (`model-host keys create`)',
    ],
  },
  {
    title: 'a key that is written twice',
    from: '  port: 0\n',
    to: '  port: 0\n  port: 1\n',
    problems: ['host.yaml:3:3: Map keys must be unique'],
  },
  {
    title: 'a list where a map belongs',
    from: 'server:\n  port: 0',
    to: 'server: [1]',
    problems: ['host.yaml:1:9: server: must be a map'],
  },
  {
    title: 'an agent without an id',
    from: '  - id: writer\n    model: large',
    to: '  - model: large',
    problems: ['host.yaml:12:5: agents[0].id: is missing; give a string'],
  },
  {
    title: 'a secret in a header of a tool server',
    from: 'command: files-server',
    to: 'url: http://127.0.0.1:9/\n      headers: { Authorization: "Bearer canary" }',
    problems: [
      'host.yaml:19:33: tools.servers[0].headers.Authorization: a secret must not stand here itself; write ${env:NAME} or ${file:/path}',
    ],
  },
  {
    title: 'a secret in the environment of a tool server',
    from: 'command: files-server',
    to: 'command: files-server\n      env: { API_TOKEN: canary }',
    problems: [
      'host.yaml:19:25: tools.servers[0].env.API_TOKEN: a secret must not stand here itself; write ${env:NAME} or ${file:/path}',
    ],
  },
  {
    title: 'a reference to nothing inside a longer value',
    from: 'command: files-server',
    to: 'command: files-server\n      args: ["--root=${env:NO_FOLDER}/data"]',
    problems: [
      'host.yaml:19:14: tools.servers[0].args[0]: the environment variable NO_FOLDER is not set; set it, or remove what needs it',
    ],
  },
  {
    title: 'an instruction that is null',
    from: 'model: large\n',
    to: 'model: large\n    instructions:\n',
    problems: ['host.yaml:14:18: agents[0].instructions: must be a string'],
  },
];

for (const { title, from, to, problems } of refused) {
  test(`the configuration is refused for ${title}`, () => {
    assert.deepEqual(directory.problemsOf(changed(from, to)), problems);
  });
}

test('everything that is wrong with the shape is said at once, then everything that is wrong with the meaning', () => {
  const badShape = good
    .replace('port: 0', 'prot: 0')
    .replace('openai-chat', 'openai')
    .replace('${env:MAIN_KEY}', 'canary-3')
    .replace('files-server', '7');
  const badMeaning = good
    .replace('MAIN_KEY', 'NO_KEY')
    .replace('model: large', 'model: none')
    .replace('files__*', 'web__get')
    .replace('directory: policies', 'directory: nowhere');
  const places = (yaml: string): readonly string[] =>
    directory.problemsOf(yaml).map((line) => line.split(' ', 2).join(' '));
  assert.deepEqual(places(badShape).toSorted(), [
    'host.yaml:18:16: tools.servers[0].command:',
    'host.yaml:2:3: server.prot:',
    'host.yaml:5:11: providers[0].type:',
    'host.yaml:7:13: providers[0].apiKey:',
  ]);
  assert.deepEqual(places(badMeaning).toSorted(), [
    'host.yaml:13:12: agents[0].model:',
    'host.yaml:14:13: agents[0].tools[0]:',
    'host.yaml:20:14: policies.directory:',
    'host.yaml:7:13: providers[0].apiKey:',
  ]);
});

test('a refusal never shows the value of a secret', () => {
  const env = 'env: { TOKEN: canary-4 }';
  for (const yaml of [
    changed('${env:MAIN_KEY}', 'canary-4'),
    changed('command: files-server', `command: x\n      ${env}\n      extra: 1`),
  ]) {
    assert.ok(!directory.problemsOf(yaml).join('\n').includes('canary-4'));
  }
});
