import type { Device } from '@pcloud/wireguard';
import type { Driver } from './driver.ts';
import { createInOrder } from './in-order.ts';
import type { Logger } from './log.ts';
import type { Bind } from './seams.ts';

/** Port, mark and state of the sockets, which follow the interface up and down. Changes wait for each other. */
export interface SocketControl {
  /** The port in use, or the one to use once the interface is up; 0 for any. */
  readonly listenPort: number;
  readonly mark: number;
  /** Opens the sockets on another port where they are open; a port that fails leaves those there were. @throws the system's error */
  setListenPort(port: number): Promise<void>;
  /** @throws the system's error, or DaemonError ENOTSUP */
  setMark(mark: number): Promise<void>;
  /** Opens or closes the sockets and tells the device. The port is kept across a time of being down. */
  setUp(up: boolean): Promise<void>;
  close(): void;
}

export interface SocketControlDeps {
  readonly bind: Bind;
  readonly device: Device;
  readonly driver: Pick<Driver, 'change'>;
  readonly log: Logger;
}

export function createSocketControl(deps: SocketControlDeps): SocketControl {
  const { bind, device, driver, log } = deps;
  let listenPort = 0;
  let mark = 0;
  let isUp = false;
  let isOpen = false;
  let isClosed = false;
  /** One change at a time, in order. */
  const enqueue = createInOrder();

  async function open(port: number): Promise<void> {
    isOpen = false;
    listenPort = await bind.open(port, mark);
    if (isClosed) {
      bind.close();
      return;
    }
    isOpen = true;
    device.clearSources();
    log.debug({ port: listenPort }, 'listening');
  }

  function startDevice(): void {
    if (isUp && isOpen && !device.isUp) driver.change((now) => device.up(now));
  }

  async function changePort(port: number): Promise<void> {
    const before = listenPort;
    if (!isUp) {
      listenPort = port;
      return;
    }
    const wasOpen = isOpen;
    try {
      await open(port);
    } catch (error) {
      if (wasOpen) await open(before);
      throw error;
    }
    startDevice();
  }

  async function changeUp(up: boolean): Promise<void> {
    if (up === isUp || isClosed) return;
    isUp = up;
    if (!up) {
      driver.change((now) => device.down(now));
      bind.close();
      isOpen = false;
      log.info({}, 'interface down');
      return;
    }
    try {
      await open(listenPort);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
      log.error(
        { port: listenPort, code },
        'sockets cannot be opened; the interface stays down until another port is set',
      );
      return;
    }
    startDevice();
    log.info({ port: listenPort }, 'interface up');
  }

  return {
    get listenPort() {
      return listenPort;
    },
    get mark() {
      return mark;
    },
    setListenPort: (port) => enqueue(() => changePort(port)),
    setMark: (wanted) =>
      enqueue(async () => {
        bind.setMark(wanted);
        mark = wanted;
        device.clearSources();
      }),
    setUp: (up) => enqueue(() => changeUp(up)),
    close() {
      isClosed = true;
      isOpen = false;
      bind.close();
    },
  };
}
