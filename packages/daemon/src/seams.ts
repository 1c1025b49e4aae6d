import type { Batch } from '@pcloud/wireguard';

/**
 * The interface that packets of the machine come out of and go into. Fills and reads the descriptors of
 * `batch.ts` in `@pcloud/wireguard`; never throws for what a packet holds.
 */
export interface TunDevice {
  /** The interface's name as the kernel has it. */
  readonly name: string;
  /** Reads packets into the batch's frames; the count, 0 when there are none. */
  receive(batch: Batch): number;
  /** Writes those of the first `count` datagrams whose DELIVER is not 0. */
  send(batch: Batch, count: number): void;
  /** Writes one IP packet. */
  inject(packet: Uint8Array): void;
  /** Calls back whenever packets may be waiting; `closed` once when the interface is gone. */
  listen(callbacks: { readable: () => void; closed: (error: Error) => void }): void;
  close(): void;
}

/** The UDP sockets, one an address family on one port. */
export interface Bind {
  /**
   * Opens both sockets; 0 picks a port free in both families. A missing IPv6 is tolerated. Closes what was open.
   * @returns the port
   * @throws an Error with a system `code` such as EADDRINUSE
   */
  open(port: number, mark: number): Promise<number>;
  /** SO_MARK of both sockets, 0 for none. @throws with `code` ENOTSUP where the platform or this bind cannot */
  setMark(mark: number): void;
  /** Receives datagrams into the batch's descriptors; the count, 0 when there are none. */
  receive(batch: Batch): number;
  /**
   * Sends `length` bytes of the slab at `offset` as datagrams of `segmentBytes` each, the last one shorter,
   * to an endpoint slot. Errors are counted, not thrown.
   */
  sendRun(batch: Batch, offset: number, length: number, segmentBytes: number, endpoint: number, tos: number): void;
  /** Sends one datagram to an endpoint record. */
  transmit(datagram: Uint8Array, endpoint: Int32Array, tos: number): void;
  listen(callbacks: { readable: () => void }): void;
  close(): void;
}
