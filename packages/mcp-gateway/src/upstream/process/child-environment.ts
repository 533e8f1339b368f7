/** What a child needs to find its programs, its home, its language and its temporary files; no secret is among them. */
const inherited = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'USER', 'LOGNAME', 'SHELL'];

/** The whole environment of a child: a few variables of the host and what is configured for it. */
export function childEnvironment(
  host: Readonly<Record<string, string | undefined>>,
  configured: Readonly<Record<string, string>>,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const name of inherited) {
    const value = host[name];
    if (value !== undefined) environment[name] = value;
  }
  return { ...environment, ...configured };
}
