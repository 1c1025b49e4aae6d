/** Address translation on a router, by nftables. */
import type { Host } from './host.ts';

export interface NatOptions {
  /** The interface towards the network outside. */
  readonly outside: string;
  /**
   * `port-restricted`: one outer port for one inner socket, kept where it is free; lets in only what
   * answers. `symmetric`: a new random outer port for each destination. Default `port-restricted`.
   */
  readonly kind?: 'port-restricted' | 'symmetric';
  /** Seconds after which an idle UDP mapping is forgotten. Default: the kernel's, 30 s and 120 s. */
  readonly udpTimeoutSeconds?: number;
}

/** Hides everything behind `router` behind its address on `outside`, IPv4 and IPv6, and drops what did not ask. */
export async function translate(router: Host, options: NatOptions): Promise<void> {
  const flags = options.kind === 'symmetric' ? 'random,fully-random' : '';
  const rules = `
table inet nat {
  chain out {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "${options.outside}" masquerade ${flags}
  }
}
table inet filter {
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "${options.outside}" ct state != { established, related } drop
  }
}
`;
  await router.run(['nft', '-f', '-'], { input: rules });
  const seconds = options.udpTimeoutSeconds;
  if (seconds === undefined) return;
  await router.sysctl({
    'net.netfilter.nf_conntrack_udp_timeout': seconds,
    'net.netfilter.nf_conntrack_udp_timeout_stream': seconds,
  });
}

/** Forgets every mapping, as a router does that restarts: peers behind it appear from new ports. */
export async function forgetMappings(router: Host): Promise<void> {
  await router.run(['conntrack', '-F']);
}
