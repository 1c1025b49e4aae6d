import type { Network } from '@pcloud/native';
import type { WatchLink } from './link-watch.ts';

/** Watches an interface, and the routes of the machine, by netlink. */
export function createNetlinkWatch(network: Pick<Network, 'linkInfo' | 'watchNetwork'>): WatchLink {
  return (name, events) => {
    const index = network.linkInfo(name)?.index;
    let up: boolean | undefined;
    let mtu = 0;
    let routesChanged = false;
    let stopped = false;

    function take(state: { readonly up: boolean; readonly mtu: number }): void {
      if (state.mtu !== mtu) {
        mtu = state.mtu;
        events.handleMtu(mtu);
      }
      if (state.up !== up) {
        up = state.up;
        events.handleUp(up);
      }
    }

    function look(): void {
      const state = network.linkInfo(name);
      if (state && state.index === index) take(state);
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
          // An interface that was deleted shows at its descriptor; one that moved to another namespace works on.
          if (event.index === index && !event.removed) take(event);
          return;
        case 'address':
        case 'route':
          return noteRoutes();
        case 'overrun':
          noteRoutes();
          return look();
        case 'other':
          return;
      }
    });
    look();
    return () => {
      stopped = true;
      stop();
    };
  };
}
