/** The kernel's names of what a plane can do, each on or off. */
export interface Features {
  /** The TUN carries a virtio-net header in front of every packet. */
  readonly 'vnet-header': boolean;
  /** The TUN hands over and takes TCP super-packets. */
  readonly tso: boolean;
  /** The TUN hands over and takes UDP super-packets (Linux 6.2). */
  readonly uso: boolean;
  /** TCP packets are coalesced on their way into the TUN. Off once the kernel refused it repeatedly. */
  readonly 'tcp-coalescing': boolean;
  /** UDP packets are coalesced on their way into the TUN. */
  readonly 'udp-coalescing': boolean;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** UDP_SEGMENT (Linux 4.18). Off once a device answered EIO. */
  readonly 'udp-gso': boolean;
  /** UDP_GRO (Linux 5.12). */
  readonly 'udp-gro': boolean;
  /** Received datagrams come with the local address they were sent to. */
  readonly pktinfo: boolean;
  /** Received datagrams come with their TOS byte. */
  readonly tos: boolean;
  /** There is an AEAD to seal and open with. */
  readonly aead: boolean;
}

/** Something the kernel refused since the last look. */
export interface Fault {
  readonly syscall: string;
  /** A system error, EMSGSIZE for instance. */
  readonly code: string;
  /** How often. */
  readonly count: number;
  /** What was left out or switched off because of it, by the kernel's word: `udp-gso`, `tso`, `uso`. */
  readonly feature?: string;
}

export interface TunInfo {
  /** The name as the kernel has it. */
  readonly name: string;
  readonly fd: number;
  readonly vnetHeader: boolean;
  readonly tso: boolean;
  readonly uso: boolean;
}

export interface PlaneOptions {
  /** Receive and send buffer of a socket. Default 7 MiB. */
  readonly socketBufferBytes?: number;
}

/**
 * A data plane: one slab, a TUN, the UDP sockets and keys. It belongs to the thread that made it. What the
 * data path's calls work on lies in `slab`, laid out as `@pcloud/wireguard` has it; they pass counts only and
 * never throw for what a packet holds. Calls that open something throw an Error with `code` and `syscall`.
 */
export interface Plane {
  /** `SLAB_BYTES` bytes; pages that were never touched take no memory. Valid for as long as it is referenced. */
  readonly slab: ArrayBuffer;

  /** Opens (and creates, unless it is persistent) a TUN interface; a `%d` in the name is numbered by the kernel. */
  openTun(name: string, options: { readonly offload: boolean; readonly persist?: boolean }): TunInfo;
  /** Takes over the descriptor of a TUN that is already attached, and closes it in the end. */
  adoptTun(fd: number): TunInfo;
  closeTun(): void;
  /**
   * Opens a socket an address family on one port, and closes what was open. A missing family is tolerated.
   * @param port 0 for any that is free in both
   * @param mark SO_MARK, 0 for none
   * @returns the port
   */
  bind(port: number, mark: number): number;
  /** SO_MARK of the open sockets. */
  setMark(mark: number): void;
  closeSockets(): void;

  /** Reads packets into frame descriptors, KEY -1; the count, 0 when there are none. */
  tunReceive(): number;
  /**
   * Segments, pads, seals and sends those of the first `count` frames that have a key, and writes SENT_BYTES.
   * A frame that is not what its descriptor says is left out. Sealing overwrites the frame's bytes.
   */
  sealAndSend(count: number): void;
  /** Receives datagrams into their descriptors: KEY and OPENED -1, DELIVER 0; the count, 0 when there are none. */
  udpReceive(): number;
  /** Opens in place those of the first `count` datagrams that have a key. */
  open(count: number): void;
  /** Writes those of the first `count` datagrams whose DELIVER is not 0 to the TUN, coalesced where the kernel takes it. */
  tunSend(count: number): void;
  /**
   * Sends one datagram to an endpoint record of sixteen words, whose HAS_SOURCE is cleared when the source is gone.
   * @returns whether the kernel took it
   */
  transmit(datagram: Uint8Array, endpoint: Int32Array, tos: number): boolean;
  /** Writes one IP packet to the TUN. */
  inject(packet: Uint8Array): void;
  /**
   * Sends `length` bytes of the slab at `offset` as datagrams of `segmentBytes`, the last one shorter, to an endpoint slot.
   * @returns whether the kernel took it
   */
  sendRun(offset: number, length: number, segmentBytes: number, endpoint: number, tos: number): boolean;

  /** Copies a 32-byte key into a slot (below 2^20), zeroing what was there. */
  installKey(slot: number, key: Uint8Array): void;
  /** Zeroes a slot. */
  removeKey(slot: number): void;

  /**
   * Calls back when the TUN or a socket is readable, again and again while it is: take one batch a call.
   * `closed` is called once when the interface is gone. Replaces earlier callbacks; what is opened later is listened to as well.
   */
  listen(callbacks: { tun: () => void; udp: () => void; closed: (error: Error) => void }): void;
  /** Ends `listen`. */
  stop(): void;
  /** Pauses (false) and resumes the TUN's callback. */
  readTun(on: boolean): void;
  /** Pauses (false) and resumes the sockets' callback. */
  readUdp(on: boolean): void;
  /** Listening keeps the process alive: the default. */
  ref(): void;
  /** Listening does not keep the process alive. */
  unref(): void;

  /** Seals and opens with this one of `aeadNames()`. @throws with `code` ENOTSUP */
  setAead(name: string): void;
  /** The AEAD in use, undefined where there is none or the plane is closed. */
  aead(): string | undefined;
  /** What works right now. Empty once closed. */
  features(): Features;
  /** Faults since the last call: at most sixteen kinds. */
  takeFaults(): Fault[];
  /** Ends everything and zeroes the keys. Later calls of the data path do nothing. */
  close(): void;
}
