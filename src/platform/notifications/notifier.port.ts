export const SEVERITIES = ['info', 'warning', 'high', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Something that people are told in the application. */
export interface Notice {
  /** What it is about, in a word that clients know (`approval`, `workflow_failure`). */
  type: string;
  severity: Severity;
  title: string;
  body?: string;
  /** Where to look: a path of the application, or an http(s) address. Anything else is left out. */
  link?: string;
  metadata?: object;
  /** Who gets it: these users, or all of these roles of the running tenant. */
  to: { users?: string[]; roles?: ('admin' | 'user')[] };
  /** The same key makes one notice per user (a repeated delivery makes no second). */
  key?: string;
  /** The agent whose words or name are in it: with the agent's content it is erased. */
  agentId?: string;
}

/** Tells people something in the application. A port: channels/notifications implements it. */
export abstract class Notifier {
  /** Call inside a transaction; the notice is part of it. What is too long is cut: who tells must not fail for it. */
  abstract notify(notice: Notice): Promise<void>;
}
