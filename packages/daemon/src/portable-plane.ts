import {
  type Batch,
  type Crypto,
  createFrameSealer,
  type DataPlane,
  openDatagrams,
  type TransportKey,
} from '@pcloud/wireguard';
import type { Bind, TunDevice } from './seams.ts';

export interface PortablePlaneDeps {
  readonly tun: TunDevice;
  readonly bind: Bind;
  readonly crypto: Crypto;
  readonly batch: Batch;
}

/** A data plane of any TUN, any sockets and any provider: TypeScript does what the addon does where there is one. */
export function createPortablePlane(deps: PortablePlaneDeps): DataPlane {
  const { tun, bind, crypto, batch } = deps;
  const keys: (TransportKey | undefined)[] = [];
  const keyAt = (slot: number): TransportKey | undefined => keys[slot];
  const seal = createFrameSealer({
    batch,
    keyAt,
    sendRun: (offset, length, segmentBytes, endpoint, tos) =>
      bind.sendRun(batch, offset, length, segmentBytes, endpoint, tos),
  });
  return {
    batch,
    tunReceive: () => tun.receive(batch),
    sealAndSend: seal,
    udpReceive: () => bind.receive(batch),
    open: (count) => openDatagrams(batch, count, keyAt),
    tunSend: (count) => tun.send(batch, count),
    transmit: (datagram, endpoint, tos) => bind.transmit(datagram, endpoint, tos),
    inject: (packet) => tun.inject(packet),
    installKey(slot, key) {
      keys[slot]?.destroy();
      keys[slot] = crypto.createTransportKey(key);
    },
    removeKey(slot) {
      keys[slot]?.destroy();
      keys[slot] = undefined;
    },
  };
}
