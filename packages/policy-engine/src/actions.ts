import type { PolicyAction } from '@modelhost/kernel';

/** Type of every action. */
export const actionType = 'ModelHost::Action';

/** Group of all actions that call a tool; each of them has the name of its tool. */
export const callToolGroup = 'CallTool';

/** Groups of actions. None is an action by itself. */
export const actionGroups: readonly string[] = [callToolGroup, 'Content', 'Memory'];

/** Actions that are there whatever tools there are. */
export type PlainAction = Exclude<PolicyAction, 'CallTool'>;

/** Types of what an action can be about. */
export type ResourceType = 'Tool' | 'Model' | 'Agent' | 'Channel' | 'MemoryNamespace';

/** All of {@link PlainAction}. */
export const plainActions: readonly PlainAction[] = [
  'AcceptInput',
  'UseModel',
  'ListTool',
  'AcceptToolResult',
  'EmitOutput',
  'ReadMemory',
  'WriteMemory',
  'ForgetMemory',
];

/** The groups that an action is in. */
export const groupsOf: Readonly<Record<PlainAction, readonly string[]>> = {
  AcceptInput: ['Content'],
  UseModel: [],
  ListTool: [],
  AcceptToolResult: ['Content'],
  EmitOutput: ['Content'],
  ReadMemory: ['Memory'],
  WriteMemory: ['Memory'],
  ForgetMemory: ['Memory'],
};

/** The one type of resource that goes with an action. */
export const resourceTypeOf: Readonly<Record<PlainAction, ResourceType>> = {
  AcceptInput: 'Agent',
  UseModel: 'Model',
  ListTool: 'Tool',
  AcceptToolResult: 'Tool',
  EmitOutput: 'Channel',
  ReadMemory: 'MemoryNamespace',
  WriteMemory: 'MemoryNamespace',
  ForgetMemory: 'MemoryNamespace',
};

/** Names that no tool may have, since its action would be taken for another. */
export const reservedActions: ReadonlySet<string> = new Set([...actionGroups, ...plainActions]);
