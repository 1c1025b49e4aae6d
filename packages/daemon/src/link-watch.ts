import { existsSync, readFileSync } from 'node:fs';

/** What a tunnel is told of its interface and of the machine's routes. */
export interface LinkEvents {
  handleUp(up: boolean): void;
  handleMtu(mtu: number): void;
  /** Routes of the machine changed: the way to a peer may be another one. */
  handleRoutes(): void;
  /** The interface is gone. */
  handleGone(): void;
}

/** Watches an interface until it is stopped. The state there is now is told at once. */
export type WatchLink = (name: string, events: LinkEvents) => () => void;

const POLL_INTERVAL_MS = 500;
const IFF_UP = 1;

/** Watches by reading /sys now and then, where there is no addon. It knows nothing of routes. */
export const pollLink: WatchLink = (name, events) => {
  const directory = `/sys/class/net/${name}`;
  let up: boolean | undefined;
  let mtu = 0;
  const check = (): void => {
    const nowUp = (readNumber(`${directory}/flags`) & IFF_UP) !== 0;
    const nowMtu = readNumber(`${directory}/mtu`);
    if (!existsSync(directory)) {
      clearInterval(timer);
      events.handleGone();
      return;
    }
    if (nowMtu !== mtu) {
      mtu = nowMtu;
      events.handleMtu(mtu);
    }
    if (nowUp !== up) {
      up = nowUp;
      events.handleUp(up);
    }
  };
  const timer = setInterval(check, POLL_INTERVAL_MS);
  timer.unref();
  check();
  return () => clearInterval(timer);
};

function readNumber(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8').trim()) || 0;
  } catch {
    return 0;
  }
}
