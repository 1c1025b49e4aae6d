import type { Plane } from '@pcloud/native';
import { type Batch, createBatch, type DataPlane } from '@pcloud/wireguard';
import type { Bind, TunDevice } from './seams.ts';

/** The addon's plane as the daemon's seams: TUN, sockets, and both with the cryptography between them. */
export interface NativeSeams {
  readonly batch: Batch;
  readonly tun: TunDevice;
  readonly bind: Bind;
  /** All of it in C, where the addon has an AEAD. */
  readonly dataPlane: DataPlane;
}

/**
 * @param plane with its TUN open, if it is to have one
 * @param name of the TUN
 */
export function createNativeSeams(plane: Plane, name: string): NativeSeams {
  const batch = createBatch(plane.slab);
  let tunReadable = (): void => {};
  let tunClosed = (_error: Error): void => {};
  let udpReadable = (): void => {};
  let isListening = false;

  /** The addon takes all callbacks at once; whoever has none yet is called in vain. */
  function listen(): void {
    if (isListening) return;
    isListening = true;
    plane.listen({ tun: () => tunReadable(), udp: () => udpReadable(), closed: (error) => tunClosed(error) });
  }

  const tun: TunDevice = {
    name,
    receive: () => plane.tunReceive(),
    send: (_batch, count) => plane.tunSend(count),
    inject: (packet) => plane.inject(packet),
    listen(callbacks) {
      tunReadable = callbacks.readable;
      tunClosed = callbacks.closed;
      listen();
    },
    close: () => plane.closeTun(),
  };
  const bind: Bind = {
    open: async (port, mark) => plane.bind(port, mark),
    setMark: (mark) => plane.setMark(mark),
    receive: () => plane.udpReceive(),
    sendRun: (_batch, offset, length, segmentBytes, endpoint, tos) =>
      void plane.sendRun(offset, length, segmentBytes, endpoint, tos),
    transmit: (datagram, endpoint, tos) => void plane.transmit(datagram, endpoint, tos),
    listen(callbacks) {
      udpReadable = callbacks.readable;
      listen();
    },
    close: () => plane.closeSockets(),
  };
  const dataPlane: DataPlane = {
    batch,
    tunReceive: () => plane.tunReceive(),
    sealAndSend: (count) => plane.sealAndSend(count),
    udpReceive: () => plane.udpReceive(),
    open: (count) => plane.open(count),
    tunSend: (count) => plane.tunSend(count),
    transmit: (datagram, endpoint, tos) => void plane.transmit(datagram, endpoint, tos),
    inject: (packet) => plane.inject(packet),
    installKey: (slot, key) => plane.installKey(slot, key),
    removeKey: (slot) => plane.removeKey(slot),
  };
  return { batch, tun, bind, dataPlane };
}
