import { IPV4_HEADER_LENGTH, IPV6_HEADER_LENGTH, readUint16, readUint32 } from '@pcloud/ip';
import { PROTOCOLS } from './constants.ts';
import { KIND, PART, type PacketView, TCP_FLAG } from './packet-view.ts';
import { isTcpSound, isUdpSound } from './read-transport.ts';
import type { Verdict } from './verdict.ts';

const PLAIN_IPV4 = 0x45;
const FRAGMENT_MASK = 0x3fff;
/** TCP flags that change what a connection is. */
const TURNING = TCP_FLAG.FIN | TCP_FLAG.SYN | TCP_FLAG.RST;

/**
 * The verdict on the last packet, for those of the same flow that come behind it in the same batch. Holds only
 * plain headers and packets that leave their flow as it is, so that asking once is as good as asking each time.
 */
export class LastPacket {
  private verdict: Verdict = 'pass';
  private at = Number.NaN;
  private peer = -1;
  private fromRemote = false;
  private isV6 = false;
  private protocol = 0;
  private readonly words: Int32Array = new Int32Array(9);

  forget(): void {
    this.at = Number.NaN;
  }

  /** The verdict on a packet of the same flow and moment; undefined for any other. */
  recall(
    peer: number,
    fromRemote: boolean,
    bytes: Uint8Array,
    at: number,
    length: number,
    now: number,
  ): Verdict | undefined {
    if (this.at !== now || this.peer !== peer || this.fromRemote !== fromRemote) return undefined;
    const isSame = this.isV6 ? this.isSame6(bytes, at, length) : this.isSame4(bytes, at, length);
    return isSame ? this.verdict : undefined;
  }

  /** Keeps a verdict where it holds for more packets. */
  keep(
    peer: number,
    fromRemote: boolean,
    bytes: Uint8Array,
    at: number,
    view: PacketView,
    now: number,
    verdict: Verdict,
  ): void {
    const { isV6, protocol, flags } = view;
    const header = isV6 ? IPV6_HEADER_LENGTH : IPV4_HEADER_LENGTH;
    if (view.part !== PART.WHOLE || view.kind !== KIND.FLOW || view.transport !== at + header) return;
    if (protocol !== PROTOCOLS.UDP && (protocol !== PROTOCOLS.TCP || (flags & TURNING) !== 0)) return;
    this.at = now;
    this.peer = peer;
    this.fromRemote = fromRemote;
    this.isV6 = isV6;
    this.protocol = protocol;
    this.verdict = verdict;
    const count = isV6 ? 9 : 3;
    for (let i = 0; i < count; i++) this.words[i] = readUint32(bytes, view.source + 4 * i);
  }

  private isSame4(bytes: Uint8Array, at: number, length: number): boolean {
    if (length < IPV4_HEADER_LENGTH || bytes[at] !== PLAIN_IPV4 || bytes[at + 9] !== this.protocol) return false;
    if (readUint16(bytes, at + 2) !== length || (readUint16(bytes, at + 6) & FRAGMENT_MASK) !== 0) return false;
    return this.areSameWords(bytes, at + 12, 3) && this.isPlain(bytes, at + IPV4_HEADER_LENGTH, at + length);
  }

  private isSame6(bytes: Uint8Array, at: number, length: number): boolean {
    if (length < IPV6_HEADER_LENGTH || bytes[at]! >> 4 !== 6 || bytes[at + 6] !== this.protocol) return false;
    if (readUint16(bytes, at + 4) + IPV6_HEADER_LENGTH !== length) return false;
    return this.areSameWords(bytes, at + 8, 9) && this.isPlain(bytes, at + IPV6_HEADER_LENGTH, at + length);
  }

  // Source, destination and, directly behind them, the ports.
  private areSameWords(bytes: Uint8Array, at: number, count: number): boolean {
    for (let i = 0; i < count; i++) if ((readUint32(bytes, at + 4 * i) | 0) !== this.words[i]) return false;
    return true;
  }

  private isPlain(bytes: Uint8Array, transport: number, end: number): boolean {
    if (this.protocol === PROTOCOLS.UDP) return isUdpSound(bytes, transport, end - transport, PART.WHOLE);
    return isTcpSound(bytes, transport, end - transport) && (bytes[transport + 13]! & TURNING) === 0;
  }
}
