import { isIP } from 'node:net';
import { isThere } from './is-there.ts';
import { nearest } from '@modelhost/policy-engine';
import type { Report } from './report.ts';
import type { ConfigPath } from './source.ts';
import type { ConfigTree } from './tree.ts';

/** Every name that is used must exist, and none twice. */
export function checkReferences(tree: ConfigTree, report: Report): void {
  const models = tree.providers.flatMap((provider, at) =>
    provider.models.map(({ id }, index) => ({
      id,
      path: ['providers', at, 'models', index, 'id'],
    })),
  );
  refuseTwice(models, report);
  refuseTwice(
    tree.providers.map(({ name }, at) => ({ id: name, path: ['providers', at, 'name'] })),
    report,
  );
  refuseTwice(
    tree.agents.map(({ id }, at) => ({ id, path: ['agents', at, 'id'] })),
    report,
  );
  refuseTwice(
    tree.tools.servers.map(({ alias }, at) => ({
      id: alias,
      path: ['tools', 'servers', at, 'alias'],
    })),
    report,
  );
  refuseTwice(
    tree.server.auth.apiKeys.map(({ id }, at) => ({
      id,
      path: ['server', 'auth', 'apiKeys', at, 'id'],
    })),
    report,
  );
  const modelIds = models.map(({ id }) => id);
  const aliases = tree.tools.servers.map(({ alias }) => alias);
  for (const [at, agent] of tree.agents.entries()) {
    if (!modelIds.includes(agent.model)) {
      report.add(
        ['agents', at, 'model'],
        `no provider has the model ${agent.model}; ${choices(agent.model, modelIds)}`,
      );
    }
    checkToolNames(agent.tools, ['agents', at, 'tools'], aliases, report);
    checkAliases(agent.samplingServers, ['agents', at, 'samplingServers'], aliases, report);
  }
  if (tree.agents.length === 0 && tree.mcp === undefined) {
    report.add(
      ['agents'],
      'is empty, so there is nothing to serve; add an agent, or serve tools alone with `mcp: {}`',
    );
  }
  const { views = [] } = tree.mcp ?? {};
  refuseTwice(
    views.map(({ name }, at) => ({ id: name, path: ['mcp', 'views', at, 'name'] })),
    report,
  );
  for (const [at, { servers = [], tools = [], naming }] of views.entries()) {
    if (naming === 'none' && servers.length !== 1 && aliases.length > 1) {
      report.add(
        ['mcp', 'views', at, 'naming'],
        'none is for one server, since one could take the names of another; name it in servers, or use prefix or on-collision',
      );
    }
    checkAliases(servers, ['mcp', 'views', at, 'servers'], aliases, report);
    checkToolNames(tools, ['mcp', 'views', at, 'tools'], aliases, report);
  }
}

function checkToolNames(
  tools: readonly string[],
  path: ConfigPath,
  aliases: readonly string[],
  report: Report,
): void {
  for (const [index, tool] of tools.entries()) {
    const alias = tool.split('__')[0] ?? '';
    if (aliases.includes(alias) && tool.includes('__')) continue;
    report.add(
      [...path, index],
      `names no tool server; write alias__tool or alias__*; ${choices(alias, aliases)}`,
    );
  }
}

function checkAliases(
  named: readonly string[],
  path: ConfigPath,
  aliases: readonly string[],
  report: Report,
): void {
  for (const [index, alias] of named.entries()) {
    if (aliases.includes(alias)) continue;
    report.add([...path, index], `there is no tool server ${alias}; ${choices(alias, aliases)}`);
  }
}

function choices(wanted: string, known: readonly string[]): string {
  const guess = nearest(wanted, known);
  if (guess !== undefined) return `did you mean ${guess}?`;
  return known.length === 0 ? 'there is none' : `there is ${known.slice(0, 8).join(', ')}`;
}

function refuseTwice(
  named: readonly { readonly id: string; readonly path: ConfigPath }[],
  report: Report,
): void {
  const seen = new Set<string>();
  for (const { id, path } of named) {
    if (seen.has(id)) report.add(path, `${id} is used twice; give each its own`);
    seen.add(id);
  }
}

/** What the configuration names in the file system must be there. */
export function checkFiles(
  tree: ConfigTree,
  pathOf: (path: string) => string,
  report: Report,
): void {
  const { tls } = tree.server;
  for (const key of ['certFile', 'keyFile'] as const) {
    if (tls !== undefined && !isThere(pathOf(tls[key]), 'file')) {
      report.add(['server', 'tls', key], `there is no file ${tls[key]}`);
    }
  }
  for (const [at, { scriptFile }] of tree.providers.entries()) {
    if (scriptFile !== undefined && !isThere(pathOf(scriptFile), 'file')) {
      report.add(['providers', at, 'scriptFile'], `there is no file ${scriptFile}`);
    }
  }
}

/** A listener that other machines reach needs TLS and keys. */
export function checkListeners(tree: ConfigTree, report: Report): void {
  const { host } = tree.server;
  checkListener(host, ['server', 'host'], tree, report);
  if (tree.mcp?.host === undefined || tree.mcp.host === host) return;
  checkListener(tree.mcp.host, ['mcp', 'host'], tree, report);
}

function checkListener(host: string, path: ConfigPath, tree: ConfigTree, report: Report): void {
  const { tls, insecureBehindProxy, auth } = tree.server;
  if (isLoopback(host)) return;
  if (tls === undefined && !insecureBehindProxy) {
    report.add(
      path,
      `${host} can be reached from other machines, and TLS is off; set server.tls, or server.insecureBehindProxy: true where a proxy ends TLS`,
    );
  }
  if (auth.apiKeys.length === 0) {
    report.add(
      path,
      `${host} can be reached from other machines, and there is no API key; add one to server.auth.apiKeys (\`model-host keys create\`)`,
    );
  }
}

/** Whether an address can be reached from this machine alone. */
function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}
