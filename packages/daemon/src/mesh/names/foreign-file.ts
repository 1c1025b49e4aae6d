import { readlinkSync, statSync } from 'node:fs';

/**
 * Whether a file belongs to the machine while this process is in a network namespace of its own, as under
 * `ip netns exec` without a file below /etc/netns: what it says is for another network, and for other programs.
 * @param proc `/proc` but in tests
 */
export function isOfAnotherNetwork(path: string, proc = '/proc'): boolean {
  try {
    if (readlinkSync(`${proc}/self/ns/net`) === readlinkSync(`${proc}/1/ns/net`)) return false;
    const [ours, first] = [statSync(path), statSync(`${proc}/1/root${path}`)];
    return ours.dev === first.dev && ours.ino === first.ino;
  } catch {
    // Who cannot look at the first process, as in most containers, is not in its files either.
    return false;
  }
}
