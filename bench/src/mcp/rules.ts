/** What governed calls of the bench are decided by: reading is allowed, and what comes of it. */
export const rules: string = `
@id("bench.tools")
permit (principal, action in ModelHost::Action::"CallTool", resource)
when { resource.effect == "none" };

@id("bench.results")
permit (principal, action == ModelHost::Action::"AcceptToolResult", resource);
`;
