/** Whether what a scenario asked for arrived at the upstream, and was not made up on the way. */
import { readFileSync } from 'node:fs';
import type { Scenario } from './suite.ts';

/** A request that the fixture noted. */
export interface Arrival {
  readonly atMs: number;
  /** Method and name, such as `tools/call greet`. */
  readonly what: string;
}

/** Reads the fixture's notes. */
export function readArrivals(path: string): readonly Arrival[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.flatMap((line) => {
    const [, atMs, what] = /^(\d+) (.+)$/.exec(line) ?? [];
    return what === undefined ? [] : [{ atMs: Number(atMs), what }];
  });
}

/** Scenarios about what a façade answers itself, with the reason. Nothing of them needs to reach an upstream. */
export const answeredByFacade: Readonly<Record<string, string>> = {
  'server-initialize': 'a handshake belongs to one connection',
  'server-session-lifecycle': 'so does a session',
  ping: 'it asks whether this side is alive',
  'logging-set-level': 'the level is the session’s; calls carry it upstream',
  'dns-rebinding-protection': 'headers are checked before a body is read',
  'http-header-validation': 'so are these',
  caching: 'lists come from the snapshot, for as long as the façade says',
  'tools-list': 'lists come from the snapshot',
  'resources-list': 'lists come from the snapshot',
  'prompts-list': 'lists come from the snapshot',
  'server-sse-multiple-streams': 'it lists tools, three times at once',
  'json-schema-2020-12': 'it reads a definition in the snapshot',
  'input-required-result-unsupported-methods': 'it lists tools and prompts',
  'tasks-status-notifications': 'the suite skips it',
};

const callsOf: Readonly<Record<string, readonly string[]>> = {
  'server-stateless': [
    'test_missing_capability',
    'test_streaming_elicitation',
    'test_logging_tool',
    'test_trigger_tool_change',
    'test_trigger_prompt_change',
  ],
  'tools-call-simple-text': ['test_simple_text'],
  'tools-call-image': ['test_image_content'],
  'tools-call-audio': ['test_audio_content'],
  'tools-call-embedded-resource': ['test_embedded_resource'],
  'tools-call-mixed-content': ['test_multiple_content_types'],
  'tools-call-error': ['test_error_handling'],
  'tools-call-with-progress': ['test_tool_with_progress'],
  'tools-call-with-logging': ['test_tool_with_logging'],
  'tools-call-sampling': ['test_sampling'],
  'tools-call-elicitation': ['test_elicitation'],
  'elicitation-sep1034-defaults': ['test_elicitation_sep1034_defaults'],
  'elicitation-sep1330-enums': ['test_elicitation_sep1330_enums'],
  'server-sse-polling': ['test_reconnection'],
  'input-required-result-basic-elicitation': ['test_input_required_result_elicitation'],
  'input-required-result-basic-sampling': ['test_input_required_result_sampling'],
  'input-required-result-basic-list-roots': ['test_input_required_result_list_roots'],
  'input-required-result-request-state': ['test_input_required_result_request_state'],
  'input-required-result-multiple-input-requests': ['test_input_required_result_multiple_inputs'],
  'input-required-result-multi-round': ['test_input_required_result_multi_round'],
  'input-required-result-missing-input-response': ['test_input_required_result_elicitation'],
  'input-required-result-result-type': ['test_input_required_result_elicitation'],
  'input-required-result-tampered-state': ['test_input_required_result_tampered_state'],
  'input-required-result-capability-check': ['test_input_required_result_capabilities'],
  'input-required-result-ignore-extra-params': ['test_input_required_result_elicitation'],
  'http-custom-header-server-validation': ['test_x_mcp_header'],
  'tasks-lifecycle': ['greet', 'slow_compute', 'failing_job', 'protocol_error_job'],
  'tasks-capability-negotiation': ['slow_compute'],
  'tasks-wire-fields': ['slow_compute'],
  'tasks-request-state-removal': ['slow_compute'],
  'tasks-mrtr-input': ['confirm_delete', 'multi_input'],
  'tasks-request-headers': ['greet', 'slow_compute'],
  'tasks-dispatch-and-envelope': ['greet', 'slow_compute', 'failing_job', 'confirm_delete'],
  'tasks-mrtr-composition': ['test_tool_with_task'],
};

const requestsOf: Readonly<Record<string, string>> = {
  'completion-complete': 'completion/complete test_prompt_with_arguments',
  'resources-read-text': 'resources/read test://static-text',
  'resources-read-binary': 'resources/read test://static-binary',
  'resources-templates-read': 'resources/read test://template/123/data',
  'prompts-get-simple': 'prompts/get test_simple_prompt',
  'prompts-get-with-args': 'prompts/get test_prompt_with_arguments',
  'prompts-get-embedded-resource': 'prompts/get test_prompt_with_embedded_resource',
  'prompts-get-with-image': 'prompts/get test_prompt_with_image',
  'input-required-result-non-tool-request': 'prompts/get test_input_required_result_prompt',
};

/** Where an upstream has to be asked only sometimes. */
const mayStayAway: Readonly<Record<string, string>> = {
  'sep-2164-resource-not-found': 'no list and no template knows the URI',
  'resources-subscribe': 'an upstream of the modern era is listened to instead',
  'resources-unsubscribe': 'an upstream of the modern era is listened to instead',
  'input-required-result-validate-input': 'answers of no shape at all are refused at once',
  'tasks-required-task-error': 'a client without tasks is refused at once',
};

/** A task is answered before its call is with the upstream, and its scenario may be over by then. */
const taskLateMs = 2_000;

/** What should have arrived at the upstream during a scenario and did not, in words; empty when all is well. */
export function missingArrivals(
  scenarios: readonly Scenario[],
  arrivals: readonly Arrival[],
): readonly string[] {
  const inOrder = scenarios.toSorted((a, b) => a.startedAtMs - b.startedAtMs);
  const unclaimed = new Set(arrivals);
  return inOrder.flatMap(({ name, startedAtMs }, at) => {
    const endedAtMs = inOrder[at + 1]?.startedAtMs ?? Infinity;
    const untilMs = endedAtMs + (name.startsWith('tasks-') ? taskLateMs : 0);
    return expectedOf(name)
      .filter((what) => {
        const arrival = [...unclaimed].find(
          ({ atMs, what: arrived }) => arrived === what && atMs >= startedAtMs && atMs <= untilMs,
        );
        // One request counts for one scenario.
        return arrival === undefined || !unclaimed.delete(arrival);
      })
      .map((what) => `${name}: ${what} did not reach the upstream`);
  });
}

function expectedOf(scenario: string): readonly string[] {
  if (scenario in answeredByFacade || scenario in mayStayAway) return [];
  const calls = callsOf[scenario]?.map((tool) => `tools/call ${tool}`);
  return calls ?? [requestsOf[scenario] ?? 'an expectation in this table'];
}
