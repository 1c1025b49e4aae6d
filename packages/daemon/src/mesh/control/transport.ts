/** A connection to a server that carries whole binary messages in order. */
export interface ControlTransport {
  /** The address at the other end, as text; undefined where there is none. */
  readonly remoteAddress: string | undefined;
  send(frame: Uint8Array): void;
  /** Frames that came before are handed over first. `closed` is called once, and not after `close`. */
  listen(callbacks: { frame: (frame: Uint8Array) => void; closed: (why: string) => void }): void;
  close(): void;
}

/**
 * Connects to the control endpoint of a server.
 * @param url the server's, `https://HOST:PORT`
 * @throws an Error that says why not, also when `signal` is aborted
 */
export type ConnectControl = (url: string, options: { readonly signal: AbortSignal }) => Promise<ControlTransport>;
