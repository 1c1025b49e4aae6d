import type { DataPlane, Device, DeviceEvent, Peer } from '@pcloud/wireguard';
import type { Clock } from './clock.ts';
import type { BatchFilter } from './filter/index.ts';
import type { Logger } from './log.ts';

/** Turns a device by what comes in, and does what it wants done. */
export interface Driver {
  /** Packets may wait at the TUN: one batch of them goes out. */
  handleTunReadable(): void;
  /** Datagrams may wait at the sockets: one batch of them comes in. */
  handleNetworkReadable(): void;
  /** Changes the device and does what follows from it. What `change` throws is a fault. */
  change(change: (now: number) => void): void;
  /** Exceptions caught, by where they came from. Each one is a bug. */
  readonly faults: Readonly<Record<FaultKind, number>>;
  /** No timer fires and nothing is done afterwards. */
  stop(): void;
}

export type FaultKind = 'tun' | 'network' | 'timer' | 'change' | 'output';

export interface DriverDeps {
  readonly device: Device;
  readonly plane: DataPlane;
  readonly clock: Clock;
  readonly log: Logger;
  /** Asked about every batch, when there is one. */
  readonly filter?: BatchFilter;
  /** Keeps a reserved handshake stamp. */
  readonly keepStamp: (reserved: Uint8Array) => void;
  readonly handleEvent: (event: DeviceEvent, peer: Peer) => void;
}

/** The loop of `Device`: after every change its outputs are done until it names the moment to wake. */
export function createDriver(deps: DriverDeps): Driver {
  const { device, plane, clock, log, filter } = deps;
  const faults: Record<FaultKind, number> = { tun: 0, network: 0, timer: 0, change: 0, output: 0 };
  let stopped = false;
  let cancelTimer: (() => void) | undefined;
  let wakeAt = Number.POSITIVE_INFINITY;

  function note(kind: FaultKind, error: unknown): void {
    faults[kind] += 1;
    if (faults[kind] > 1) return;
    log.error(
      { kind, fault: error instanceof Error ? (error.stack ?? error.message) : String(error) },
      'the loop caught a fault',
    );
  }

  /** The tunnel outlives a bug: it is counted, and said once a kind. */
  function turn(kind: FaultKind, act: (now: number) => void): void {
    if (stopped) return;
    const now = clock.now();
    try {
      act(now);
    } catch (error) {
      note(kind, error);
    }
    drain(now);
  }

  function drain(now: number): void {
    for (;;) {
      if (stopped) return;
      try {
        if (doOutput(now)) return;
      } catch (error) {
        note('output', error);
        // An output that always throws must not hold the loop; the next turn goes on.
        wake(now + 1_000, now);
        return;
      }
    }
  }

  /** True once the device has nothing more to do. */
  function doOutput(now: number): boolean {
    const output = device.pollOutput(now);
    switch (output.kind) {
      case 'timeout':
        wake(output.at, now);
        return true;
      case 'transmit':
        plane.transmit(output.datagram, output.endpoint, output.tos);
        return false;
      case 'frames':
        filter?.handleFrames(output.count, now);
        plane.sealAndSend(output.count);
        device.handleSent(output.count, now);
        return false;
      case 'inject':
        plane.inject(output.packet);
        return false;
      case 'stamp':
        deps.keepStamp(output.reserved);
        return false;
      case 'event':
        deps.handleEvent(output.event, output.peer);
        return false;
    }
  }

  /** A timer that is due early only polls again, so a later deadline costs no timer: traffic moves deadlines all the time. */
  function wake(at: number, now: number): void {
    if (at >= wakeAt) return;
    cancelTimer?.();
    wakeAt = at;
    cancelTimer = clock.setTimer(handleTimer, at - now);
  }

  function handleTimer(): void {
    wakeAt = Number.POSITIVE_INFINITY;
    cancelTimer = undefined;
    turn('timer', (now) => device.handleTimeout(now));
  }

  return {
    faults,
    handleTunReadable() {
      turn('tun', (now) => {
        const count = plane.tunReceive();
        if (count === 0) return;
        device.handleFrames(count, now);
        filter?.handleFrames(count, now);
        plane.sealAndSend(count);
        device.handleSent(count, now);
      });
    },
    handleNetworkReadable() {
      turn('network', (now) => {
        const count = plane.udpReceive();
        if (count === 0) return;
        device.handleDatagrams(count, now);
        plane.open(count);
        device.handleOpened(count, now);
        filter?.handleOpened(count, now);
        plane.tunSend(count);
      });
    },
    change: (change) => turn('change', change),
    stop() {
      stopped = true;
      cancelTimer?.();
      cancelTimer = undefined;
    },
  };
}
