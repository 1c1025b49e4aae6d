import type { Network } from '@pcloud/native';
import type { WatchLink } from './link-watch.ts';
import type { TunState } from './tun-probe.ts';

/** How often an interface is asked for that netlink does not tell of. */
const PROBE_INTERVAL_MS = 500;

/**
 * Watches an interface, and the routes of the machine, by netlink. An interface that leaves for another
 * network namespace, which is how a container gets one, works on with its sockets where they were; from
 * then on its descriptor is asked.
 * @param probe what the interface's descriptor tells
 */
export function createNetlinkWatch(
  network: Pick<Network, 'linkInfo' | 'watchNetwork'>,
  probe: () => TunState,
): WatchLink {
  return (name, events) => {
    const index = network.linkInfo(name)?.index;
    let up: boolean | undefined;
    let mtu = 0;
    let routesChanged = false;
    let stopped = false;
    let probing: NodeJS.Timeout | undefined;

    function take(state: { readonly up: boolean; readonly mtu: number }): void {
      if (state.mtu !== mtu) {
        mtu = state.mtu;
        events.handleMtu(mtu);
      }
      takeUp(state.up);
    }

    function takeUp(isUp: boolean): void {
      if (isUp === up) return;
      up = isUp;
      events.handleUp(isUp);
    }

    function check(): void {
      const state = probe();
      if (state === 'gone') {
        clearInterval(probing);
        events.handleGone();
      } else {
        takeUp(state === 'up');
      }
    }

    function handleRemoved(): void {
      probing ??= setInterval(check, PROBE_INTERVAL_MS).unref();
      check();
    }

    function look(): void {
      const state = network.linkInfo(name);
      if (state && state.index === index) {
        take(state);
      } else {
        handleRemoved();
      }
    }

    /** Routes come in storms; one word for all of them is enough. */
    function noteRoutes(): void {
      if (routesChanged) return;
      routesChanged = true;
      setImmediate(() => {
        routesChanged = false;
        if (!stopped) events.handleRoutes();
      });
    }

    const stop = network.watchNetwork((event) => {
      switch (event.kind) {
        case 'link':
          if (event.index !== index) return;
          if (event.removed) handleRemoved();
          else take(event);
          return;
        case 'address':
        case 'route':
          noteRoutes();
          return;
        case 'overrun':
          noteRoutes();
          look();
          return;
        case 'other':
          return;
      }
    });
    look();
    return () => {
      stopped = true;
      clearInterval(probing);
      stop();
    };
  };
}
