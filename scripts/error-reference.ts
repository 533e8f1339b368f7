/** docs/reference/errors.md, from the one table of errors. */
import { errorTable } from '@modelhost/host';

/** The whole page. */
export function errorReference(): string {
  const rows = Object.entries(errorTable).map(
    ([code, { grpc, isRetryable, docs }]) =>
      `| \`${code}\` | ${grpc} | ${isRetryable ? 'yes' : 'no'} | ${docs.replaceAll('|', '\\|')} |`,
  );
  return `# Errors

Made by \`npm run generate\` from \`apps/host/src/grpc/error-table.ts\`.

Every failed call carries a \`google.rpc.ErrorInfo\` with the domain \`modelhost\`, the code below as its reason and the
facts of the error as metadata; \`google.rpc.BadRequest\` names the fields that are refused, \`google.rpc.RetryInfo\` says
when a retry makes sense. A run that fails carries the same code in \`RunResult.error\`, a tool call in
\`ToolFinished.error\`. Codes are stable: branch on them, never on the message.

*Retry* says whether the same request may succeed later without a change.

| code | gRPC status | retry | meaning |
|---|---|---|---|
${rows.join('\n')}
`;
}
