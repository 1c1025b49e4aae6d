/** Applies the lines of a `set=1` to a device, in order: https://www.wireguard.com/xplatform/ */
import { isZero } from '../bytes.ts';
import type { Device, Peer } from '../device-api.ts';
import { WireGuardError } from '../errors.ts';
import type { UapiHost } from './host.ts';
import { readAllowedIp, readEndpoint, readKey, readNumber, readOnly } from './values.ts';

const EQUALS = 0x3d;
const MAX_U16 = 0xffff;
const MAX_U32 = 0xffff_ffff;
/** What a field's name looks like; the longest has 29 letters. */
const FIELD_NAME = /^[a-z_]{1,40}$/;
const MAX_NAME_BYTES = 64;

/** One set operation. */
export interface SetOperation {
  /**
   * Applies a line. What it throws ends the operation; what lines before it did stays.
   * @throws WireGuardError INVALID_LINE, UNKNOWN_FIELD, INVALID_KEY, INVALID_VALUE, TOO_MANY_PEERS, SOCKET_REFUSED
   */
  apply(line: Uint8Array): void | Promise<void>;
  /** Ends the operation: the peer whose lines were read last starts. After an error too, with `failed`. */
  finish(failed: boolean): void;
}

/** The lines since a `public_key`. */
interface Section {
  readonly publicKey: Uint8Array;
  /** Undefined while the peer is still to be added, and when there is none: see `isIgnored`. */
  peer: Peer | undefined;
  wasAdded: boolean;
  /** Our own key, a removed peer, or one that was only to be updated and is not there: lines are checked, not applied. */
  isIgnored: boolean;
  keepaliveInterval: number | undefined;
}

export function createSetOperation(device: Device, host: UapiHost, now: () => number): SetOperation {
  let section: Section | undefined;
  const interfaceIndex = (name: string): number | undefined => host.interfaceIndex?.(name);

  function applyToDevice(name: string, value: Uint8Array): void | Promise<void> {
    switch (name) {
      case 'private_key': {
        const key = readKey(name, value);
        device.setPrivateKey(isZero(key) ? undefined : key, now());
        key.fill(0);
        return;
      }
      case 'listen_port': {
        const port = readNumber(name, value, MAX_U16);
        return orRefused(name, port, () => host.setListenPort(port));
      }
      case 'fwmark': {
        const mark = readNumber(name, value, MAX_U32);
        return orRefused(name, mark, () => host.setFwmark(mark));
      }
      case 'replace_peers':
        readOnly(name, value, 'true');
        device.removeAllPeers(now());
        return;
      default:
        throw unknownField(name, 'device');
    }
  }

  function beginSection(value: Uint8Array): void {
    const publicKey = readKey('public_key', value);
    finishSection();
    section = {
      publicKey,
      peer: device.findPeer(publicKey),
      wasAdded: false,
      isIgnored: false,
      keepaliveInterval: undefined,
    };
  }

  // Added late, so that `update_only` and `remove` for a peer that is not there touch nothing.
  function peerOf(current: Section): Peer | undefined {
    if (current.isIgnored || current.peer !== undefined) return current.peer;
    current.peer = device.addPeer(current.publicKey, now());
    current.wasAdded = current.peer !== undefined;
    current.isIgnored = current.peer === undefined;
    return current.peer;
  }

  function dropSection(current: Section, removes: boolean): void {
    if (removes && current.peer !== undefined) device.removePeer(current.publicKey, now());
    current.peer = undefined;
    current.isIgnored = true;
  }

  function applyToPeer(current: Section, name: string, value: Uint8Array): void {
    switch (name) {
      case 'update_only':
        readOnly(name, value, 'true');
        if (current.peer === undefined || current.wasAdded) dropSection(current, current.wasAdded);
        return;
      case 'remove':
        readOnly(name, value, 'true');
        dropSection(current, true);
        return;
      case 'preshared_key': {
        const key = readKey(name, value);
        peerOf(current)?.setPresharedKey(isZero(key) ? undefined : key);
        key.fill(0);
        return;
      }
      case 'endpoint': {
        const endpoint = readEndpoint(name, value, interfaceIndex);
        peerOf(current)?.setEndpoint(endpoint);
        return;
      }
      case 'persistent_keepalive_interval':
        current.keepaliveInterval = readNumber(name, value, MAX_U16);
        peerOf(current);
        return;
      case 'replace_allowed_ips':
        readOnly(name, value, 'true');
        peerOf(current)?.removeAllAllowedIps();
        return;
      case 'allowed_ip': {
        const { address, length, isRemoval } = readAllowedIp(name, value);
        const peer = peerOf(current);
        if (isRemoval) peer?.removeAllowedIp(address, length);
        else peer?.addAllowedIp(address, length);
        return;
      }
      case 'protocol_version':
        readOnly(name, value, '1');
        peerOf(current);
        return;
      default:
        throw unknownField(name, 'peer');
    }
  }

  function finishSection(): void {
    if (section === undefined) return;
    const peer = peerOf(section);
    const { keepaliveInterval } = section;
    section = undefined;
    if (peer === undefined) return;
    if (keepaliveInterval !== undefined) peer.setKeepaliveInterval(keepaliveInterval, now());
    peer.start(now());
  }

  return {
    apply(line) {
      const equals = line.indexOf(EQUALS);
      // The line is not shown: it may be a key.
      if (equals < 0) throw new WireGuardError('INVALID_LINE', `expected field=value, got ${line.length} characters`);
      const name = String.fromCharCode(...line.subarray(0, Math.min(equals, MAX_NAME_BYTES)));
      const value = line.subarray(equals + 1);
      if (name === 'public_key') return beginSection(value);
      return section === undefined ? applyToDevice(name, value) : applyToPeer(section, name, value);
    },
    finish(failed) {
      // A peer of which no line was good is not added by a bad one.
      if (failed && section?.peer === undefined) section = undefined;
      finishSection();
    },
  };
}

// Not the value: what stands behind a misspelt private_key is no less secret. Nor a name that may be a key itself.
function unknownField(name: string, place: string): WireGuardError {
  const shown = FIELD_NAME.test(name) ? name : `a name of ${name.length} characters`;
  return new WireGuardError('UNKNOWN_FIELD', `${shown}: no such field of a ${place}`);
}

async function orRefused(field: string, value: number, change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new WireGuardError('SOCKET_REFUSED', `${field}: could not be set to ${value}: ${why}`, { cause });
  }
}
