/** Where and as whom a host is reached by SSH. */
export interface SshTarget {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly identity?: string | undefined;
  readonly jump?: string | undefined;
  /** "ssh-ed25519 AAAA…": the only key that is accepted. */
  readonly hostKey?: string | undefined;
}
