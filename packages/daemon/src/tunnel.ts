import {
  createDevice,
  createUapi,
  type Device,
  type DeviceEvent,
  type Peer,
  type Uapi,
  type UapiHost,
} from '@pcloud/wireguard';
import { createDriver, type Driver } from './driver.ts';
import { createEndpointNames, type EndpointNamesDeps, shortName } from './endpoint-names.ts';
import { createBatchFilter, type PacketFilter } from './filter/index.ts';
import type { Hands } from './hands.ts';
import type { LinkEvents } from './link-watch.ts';
import type { Logger } from './log.ts';
import { createRandomPool } from './random-pool.ts';
import { createSocketControl, type SocketControl } from './socket-control.ts';
import type { StampStore } from './stamp-store.ts';
import { createStampedDevice } from './stamped-device.ts';
import { describeTunnel, type TunnelStatus } from './status.ts';

/** A WireGuard interface at work: device, loop and sockets together. */
export interface Tunnel {
  /** Knows of every private key it is given which handshake stamps were used with it before. */
  readonly device: Device;
  readonly driver: Driver;
  readonly sockets: SocketControl;
  readonly uapi: Uapi;
  /** What the interface's link has to say goes here. */
  readonly link: LinkEvents;
  describe(): TunnelStatus;
  /** Closes sockets and interface and zeroes the keys. */
  close(): void;
}

export interface TunnelDeps {
  readonly hands: Hands;
  readonly stamps: StampStore;
  readonly readNames: EndpointNamesDeps['readNames'];
  readonly resolve: EndpointNamesDeps['resolve'];
  readonly log: Logger;
  readonly version: string;
  /** Judges packets of peers in both directions; every one passes when there is none. */
  readonly filter?: PacketFilter;
  /** What happens with peers, for who steers their endpoints: an alarm about the clock is not for him. */
  readonly handlePeerEvent?: (event: Exclude<DeviceEvent, 'stamp-ahead'>, peer: Peer) => void;
  /** The interface is gone; called once. */
  readonly handleGone: (why: string) => void;
}

/** How often peers that should have talked are looked for. */
const NAMES_CHECK_MS = 30_000;

export function createTunnel(deps: TunnelDeps): Tunnel {
  const { hands, stamps, log } = deps;
  const { tun, bind, plane, batch, crypto, clock } = hands;
  let mtu = hands.mtu;
  let isClosed = false;
  let warnedOfStamps = false;
  let cancelCheck = (): void => {};

  const { device, keepStamp, keepLatest } = createStampedDevice(
    createDevice({ mtu }, { crypto, keys: plane, batch, random: createRandomPool(), wallMs: () => clock.wallMs() }),
    stamps,
    log,
  );
  const driver = createDriver({
    device,
    plane,
    clock,
    log,
    keepStamp,
    handleEvent,
    ...(deps.filter && { filter: createBatchFilter(deps.filter, batch) }),
  });
  const sockets = createSocketControl({ bind, device, driver, log });
  const names = createEndpointNames({ readNames: deps.readNames, resolve: deps.resolve, setEndpoint, clock, log });
  const uapi = createUapi({
    device,
    host: createHost(),
    now: () => clock.now(),
    log: (line) => log.error({ line }, 'configuration refused'),
  });

  function handleEvent(event: DeviceEvent, peer: Peer): void {
    log.debug({ event, peer: shortName(peer) }, 'peer event');
    if (event === 'stamp-ahead') {
      warnOfStamps();
      return;
    }
    if (event === 'handshake-retry' || event === 'handshake-failed') names.handleRetry(peer);
    else if (event === 'handshake-complete') names.handleComplete(peer);
    deps.handlePeerEvent?.(event, peer);
  }

  function warnOfStamps(): void {
    if (warnedOfStamps) return;
    warnedOfStamps = true;
    log.warn(
      {},
      'handshake stamps are more than a day ahead of the clock, which is wrong or once was; a peer that took them takes no others until that day, or until its interface is restarted',
    );
  }

  function setEndpoint(peer: Peer, endpoint: Int32Array): void {
    if (isClosed || device.findPeer(peer.publicKey) !== peer) return;
    driver.change((now) => {
      peer.setEndpoint(endpoint);
      peer.start(now);
    });
  }

  function createHost(): UapiHost {
    return {
      get listenPort() {
        return sockets.listenPort;
      },
      get fwmark() {
        return sockets.mark;
      },
      setListenPort: (port) => sockets.setListenPort(port),
      setFwmark: (mark) => sockets.setMark(mark),
      changed: () => driver.change(() => {}),
      interfaceIndex: (name) => hands.interfaceIndex(name) || undefined,
    };
  }

  function scheduleCheck(): void {
    cancelCheck = clock.setTimer(() => {
      if (device.isUp) names.check(device.peers());
      scheduleCheck();
    }, NAMES_CHECK_MS);
  }

  const stopWatching = clock.watch((sleptMs) => {
    log.info({ seconds: Math.round(sleptMs / 1_000) }, 'the machine slept; sessions are made anew');
    driver.change((now) => device.handleResume(now));
  });
  bind.listen({ readable: driver.handleNetworkReadable });
  tun.listen({ readable: driver.handleTunReadable, closed: (error) => deps.handleGone(error.message) });
  scheduleCheck();

  return {
    device,
    driver,
    sockets,
    uapi,
    link: {
      handleUp: (up) => void sockets.setUp(up),
      handleMtu(bytes) {
        mtu = bytes;
        driver.change(() => device.setMtu(bytes));
        log.debug({ mtu }, 'MTU');
      },
      handleRoutes: () => driver.change(() => device.clearSources()),
      handleGone: () => deps.handleGone('the interface was deleted'),
    },
    describe: () =>
      describeTunnel(device, {
        interface: tun.name,
        version: deps.version,
        listenPort: sockets.listenPort,
        fwmark: sockets.mark,
        mtu,
        crypto: crypto.name,
        dataPlane: hands.dataPlane,
        bind: hands.bindName,
        features: hands.features(),
        systemCounters: hands.counters(),
        faults: driver.faults,
      }),
    close() {
      if (isClosed) return;
      isClosed = true;
      cancelCheck();
      stopWatching();
      names.stop();
      driver.stop();
      keepLatest();
      sockets.close();
      tun.close();
      device.destroy();
      hands.close();
    },
  };
}
