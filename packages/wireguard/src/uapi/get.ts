/** Writes the answer to `get=1`: https://www.wireguard.com/xplatform/ */
import { formatEndpoint, formatPrefix } from '@pcloud/ip';
import { KEY_BYTES } from '../constants.ts';
import type { Device, Peer } from '../device-api.ts';
import type { UapiHost } from './host.ts';

const NO_KEY = '0'.repeat(2 * KEY_BYTES);
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** The whole configuration and state, keys included, in lines that end in a newline; without the errno. */
export function formatDevice(device: Device, host: Pick<UapiHost, 'listenPort' | 'fwmark'>): string {
  let text = '';
  const privateKey = device.copyPrivateKey();
  if (privateKey !== undefined) text += `private_key=${takeHex(privateKey)}\n`;
  if (host.listenPort !== 0) text += `listen_port=${host.listenPort}\n`;
  if (host.fwmark !== 0) text += `fwmark=${host.fwmark}\n`;
  for (const peer of device.peers()) text += formatPeer(peer);
  return text;
}

function formatPeer(peer: Peer): string {
  const presharedKey = peer.copyPresharedKey();
  const endpoint = peer.copyEndpoint();
  const seconds = Math.floor(peer.lastHandshakeWallMs / 1000);
  const nanos = Math.floor((peer.lastHandshakeWallMs - seconds * 1000) * 1e6);

  let text = `public_key=${hex(peer.publicKey)}\n`;
  text += `preshared_key=${presharedKey === undefined ? NO_KEY : takeHex(presharedKey)}\n`;
  text += 'protocol_version=1\n';
  if (endpoint !== undefined) text += `endpoint=${formatEndpoint(endpoint)}\n`;
  text += `last_handshake_time_sec=${seconds}\nlast_handshake_time_nsec=${nanos}\n`;
  text += `tx_bytes=${peer.txBytes}\nrx_bytes=${peer.rxBytes}\n`;
  text += `persistent_keepalive_interval=${peer.keepaliveIntervalSeconds}\n`;
  for (const prefix of peer.allowedIps()) text += `allowed_ip=${formatPrefix(prefix)}\n`;
  return text;
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX[byte]!;
  return text;
}

/** The digits of a secret that was copied for this, which is zeroed. */
function takeHex(secret: Uint8Array): string {
  const text = hex(secret);
  secret.fill(0);
  return text;
}
