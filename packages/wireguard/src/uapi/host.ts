/** What of an interface's configuration lies outside the pure device. */
export interface UapiHost {
  /** UDP port in use, 0 while there is none. */
  readonly listenPort: number;
  /** Mark of the sockets, 0 for none. */
  readonly fwmark: number;
  /** Moves the sockets to a port, 0 for any. Rejects when they cannot be there; then nothing has changed. */
  setListenPort(port: number): Promise<void>;
  /** Marks the sockets, 0 for no mark. Rejects when that fails; then nothing has changed. */
  setFwmark(mark: number): Promise<void>;
  /** The device was changed: drain its `pollOutput`. Called at the end of an operation and while a long one is read. */
  changed(): void;
  /** The index of the interface an IPv6 scope names; without it scopes are numbers only. */
  interfaceIndex?(name: string): number | undefined;
}
