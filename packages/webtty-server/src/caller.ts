/** Who asks for a command, as the relay proved it. Everything is optional: a local caller has no identity. */
export interface Caller {
  readonly userId?: string | undefined;
  readonly credentialId?: string | undefined;
  readonly sourceIp?: string | undefined;
  /** Joins the record with the relay's log. */
  readonly streamId?: string | undefined;
}
