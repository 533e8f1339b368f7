import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { changed, createConfigDirectory, good } from '../fixtures/configurations.ts';

const directory = createConfigDirectory();
after(() => directory.remove());

const server = '      command: files-server\n';
const policies = 'policies:\n';

/** What is wrong, which text stands in the place of which, and what is said of it. */
const refused = [
  {
    title: 'a credential for a program, which gets no headers',
    from: server,
    to: `${server}      auth: { type: client-credentials, issuer: https://a.example, clientId: c, clientSecret: "\${env:MAIN_KEY}" }\n`,
    problems: [
      'host.yaml:19:13: tools.servers[0].auth: is for servers over HTTP; give a program its secret in env',
    ],
  },
  {
    title: 'a credential whose secret stands in the file',
    from: server,
    to: '      url: https://b.example/mcp\n      auth: { type: client-credentials, issuer: https://a.example, clientId: c, clientSecret: canary }\n',
    problems: [
      'host.yaml:19:95: tools.servers[0].auth.clientSecret: a secret must not stand here itself; write ${env:NAME} or ${file:/path}',
    ],
  },
  {
    title: 'a credential whose secret is nowhere',
    from: server,
    to: '      url: https://b.example/mcp\n      auth: { type: client-credentials, issuer: https://a.example, clientId: c, clientSecret: "${env:NONE}" }\n',
    problems: [
      'host.yaml:19:95: tools.servers[0].auth.clientSecret: the environment variable NONE is not set; set it, or remove what needs it',
    ],
  },
  {
    title: 'results that are longer than the journal takes',
    from: server,
    to: `${server}      resultBytesMax: 1048577\n`,
    problems: [
      'host.yaml:19:23: tools.servers[0].resultBytesMax: must be at most 1048576: more of one result does not fit into the journal of a run',
    ],
  },
  {
    title: 'a view that is there twice',
    from: policies,
    to: `mcp: { views: [{ name: desk }, { name: desk }] }\n${policies}`,
    problems: ['host.yaml:19:40: mcp.views[1].name: desk is used twice; give each its own'],
  },
  {
    title: 'a view of a server that is not there',
    from: policies,
    to: `mcp: { views: [{ name: desk, servers: [file], tools: [web__get] }] }\n${policies}`,
    problems: [
      'host.yaml:19:40: mcp.views[0].servers[0]: there is no tool server file; did you mean files?',
      'host.yaml:19:55: mcp.views[0].tools[0]: names no tool server; write alias__tool or alias__*; there is files',
    ],
  },
  {
    title: 'a façade that others reach, with neither TLS nor keys',
    from: policies,
    to: `mcp: { host: 0.0.0.0 }\n${policies}`,
    problems: [
      'host.yaml:19:14: mcp.host: 0.0.0.0 can be reached from other machines, and TLS is off; set server.tls, or server.insecureBehindProxy: true where a proxy ends TLS',
      'host.yaml:19:14: mcp.host: 0.0.0.0 can be reached from other machines, and there is no API key; add one to server.auth.apiKeys (`model-host keys create`)',
    ],
  },
  {
    title: 'an agent that lets an unknown server use the model',
    from: 'model: large\n',
    to: 'model: large\n    samplingServers: [filse]\n',
    problems: [
      'host.yaml:14:23: agents[0].samplingServers[0]: there is no tool server filse; did you mean files?',
    ],
  },
  {
    title: 'a root that is no file',
    from: server,
    to: `${server}      roots: [{ uri: "https://x", name: x }]\n`,
    problems: [
      'host.yaml:19:22: tools.servers[0].roots[0].uri: must begin with file:, as roots are folders',
    ],
  },
];

for (const { title, from, to, problems } of refused) {
  test(`the configuration is refused for ${title}`, () => {
    assert.deepEqual(directory.problemsOf(changed(from, to)), problems);
  });
}

test('without an agent there must be a façade', () => {
  const without = good.replace(
    /providers:[^]*tools:\n  servers/,
    'providers: []\nagents: []\ntools:\n  servers',
  );
  assert.deepEqual(directory.problemsOf(without), [
    'host.yaml:4:9: agents: is empty, so there is nothing to serve; add an agent, or serve tools alone with `mcp: {}`',
  ]);
  assert.deepEqual(directory.problemsOf(`${without}mcp: {}\n`), []);
});

test('a façade has one view of everything unless others are named, and is off unless it is written down', () => {
  assert.equal(directory.read(changed('port: 0', 'port: 0')).tree.mcp, undefined);
  const { mcp } = directory.read(changed(policies, `mcp: {}\n${policies}`)).tree;
  assert.equal(mcp?.port, 7444);
  assert.deepEqual(mcp?.views, [{ name: 'default', naming: 'prefix', search: 'auto' }]);
});
