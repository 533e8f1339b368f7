import type { ToolDefinition } from '@modelhost/kernel';
import type { RecordedTool, Suite } from './dataset.ts';

/** What the operator of a suite's tools says of one of them. What he does not say is the host's default, the safe side. */
export type ToolManifest = Pick<ToolDefinition, 'effect' | 'integrity' | 'decisionArguments'> &
  Pick<ToolDefinition, 'confidentiality' | 'egress' | 'references'>;

/** What he writes down; the rest is as in `defaults`. */
type Entry = Partial<ToolManifest>;

/** Reads data of the house; third parties wrote a part of it. */
const read: Entry = { effect: 'none', egress: false };
/** Reads data of the house that no third party writes. */
const own: Entry = { ...read, integrity: 'trusted' };
const file = { file_id: { field: 'id_', namedBy: 'filename' } };
const event = { event_id: { field: 'id_', namedBy: 'title' } };
const email = { email_id: { field: 'id_', namedBy: 'subject' } };
/** Of its own bookings the bank itself writes the number and the amount. */
const booking = { id: { field: 'id', namedBy: 'subject' }, amount: { field: 'amount' } };

const mail: Readonly<Record<string, Entry>> = {
  send_email: { decisionArguments: ['recipients', 'cc', 'bcc', 'attachments.file_id'] },
};
const calendar: Readonly<Record<string, Entry>> = {
  create_calendar_event: {
    effect: 'reversible',
    decisionArguments: ['participants', 'title'],
    references: event,
  },
  cancel_calendar_event: { egress: false, decisionArguments: ['event_id'] },
  search_calendar_events: { ...read, references: event },
  get_day_calendar_events: { ...read, references: event },
};

const workspace: Readonly<Record<string, Entry>> = {
  ...mail,
  ...calendar,
  delete_email: { egress: false, decisionArguments: ['email_id'] },
  get_unread_emails: { ...read, references: email },
  get_sent_emails: { ...read, references: email },
  get_received_emails: { ...read, references: email },
  get_draft_emails: { ...read, references: email },
  search_emails: { ...read, references: email },
  search_contacts_by_name: own,
  search_contacts_by_email: own,
  get_current_day: own,
  reschedule_calendar_event: {
    effect: 'reversible',
    egress: false,
    decisionArguments: ['event_id', 'new_start_time'],
  },
  add_calendar_event_participants: {
    effect: 'reversible',
    decisionArguments: ['event_id', 'participants'],
  },
  append_to_file: { effect: 'reversible', decisionArguments: ['file_id'] },
  create_file: { effect: 'reversible', decisionArguments: ['filename'], references: file },
  delete_file: { egress: false, decisionArguments: ['file_id'] },
  share_file: { effect: 'reversible', decisionArguments: ['file_id', 'email'] },
  search_files_by_filename: { ...read, references: file },
  get_file_by_id: { ...read, references: file },
  list_files: { ...read, references: file },
  search_files: { ...read, references: file },
};

const travel: Readonly<Record<string, Entry>> = {
  ...mail,
  ...calendar,
  get_user_information: { ...own, confidentiality: 'confidential' },
  get_rating_reviews_for_hotels: read,
  get_rating_reviews_for_restaurants: read,
  get_rating_reviews_for_car_rental: read,
  reserve_hotel: { egress: false, integrity: 'trusted', decisionArguments: ['hotel'] },
  reserve_car_rental: { egress: false, integrity: 'trusted', decisionArguments: ['company'] },
  reserve_restaurant: { egress: false, integrity: 'trusted', decisionArguments: ['restaurant'] },
  // The rest is the agency's own catalogue.
  '*': own,
};

const banking: Readonly<Record<string, Entry>> = {
  get_iban: own,
  get_balance: own,
  get_user_info: own,
  get_scheduled_transactions: { ...own, references: booking },
  get_most_recent_transactions: { ...read, references: booking },
  read_file: read,
  send_money: { integrity: 'trusted', decisionArguments: ['recipient', 'amount'] },
  schedule_transaction: {
    effect: 'reversible',
    integrity: 'trusted',
    decisionArguments: ['recipient', 'amount', 'recurring'],
  },
  update_scheduled_transaction: {
    effect: 'reversible',
    integrity: 'trusted',
    decisionArguments: ['id', 'recipient', 'amount'],
  },
  update_password: { egress: false, integrity: 'trusted', decisionArguments: ['password'] },
  update_user_info: {
    effect: 'reversible',
    egress: false,
    integrity: 'trusted',
    decisionArguments: ['first_name', 'last_name', 'street', 'city'],
  },
};

const slack: Readonly<Record<string, Entry>> = {
  // A channel is called as it is, so that one of the list is one that there is.
  get_channels: { ...read, references: { channel: { field: '*' } } },
  read_channel_messages: read,
  read_inbox: read,
  get_users_in_channel: read,
  get_webpage: { effect: 'none', decisionArguments: ['url'] },
  post_webpage: { integrity: 'trusted', decisionArguments: ['url'] },
  send_direct_message: { integrity: 'trusted', decisionArguments: ['recipient'] },
  send_channel_message: { integrity: 'trusted', decisionArguments: ['channel'] },
  add_user_to_channel: {
    effect: 'reversible',
    egress: false,
    integrity: 'trusted',
    decisionArguments: ['user', 'channel'],
  },
  invite_user_to_slack: {
    effect: 'reversible',
    integrity: 'trusted',
    decisionArguments: ['user', 'user_email'],
  },
  remove_user_from_slack: { egress: false, integrity: 'trusted', decisionArguments: ['user'] },
};

const manifests: Readonly<Record<string, Readonly<Record<string, Entry>>>> = {
  workspace,
  travel,
  banking,
  slack,
};
const defaults: ToolManifest = {
  effect: 'irreversible',
  integrity: 'untrusted',
  decisionArguments: [],
};

/** The tool as the host would define it: what its server says, and what the operator declares. */
export function definitionOf({ name: server }: Suite, tool: RecordedTool): ToolDefinition {
  const entries = manifests[server] ?? {};
  return {
    name: `${server}__${tool.name}`,
    description: tool.description,
    inputSchema: tool.inputSchema,
    ...defaults,
    ...(entries[tool.name] ?? entries['*']),
    server,
    serverTool: tool.name,
    executor: 'host',
  };
}
