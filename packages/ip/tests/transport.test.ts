import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findTransport, transportOffset, transportProtocol } from '../src/index.ts';
import { ipv4, ipv6 } from './packets.ts';

const found = (packet: Uint8Array): { protocol: number; offset: number } | undefined => {
  const value = findTransport(packet, 0, packet.length);
  return value < 0 ? undefined : { protocol: transportProtocol(value), offset: transportOffset(value) };
};

test('the transport header follows the IPv4 options', () => {
  assert.equal(found(ipv4({ protocol: 6 })), { protocol: 6, offset: 20 });
  assert.equal(found(ipv4({ protocol: 17, options: new Array(40).fill(1) })), { protocol: 17, offset: 60 });
});

test('an IPv4 header that is short or runs past the end has no transport', () => {
  const packet = ipv4({ payload: [1, 2, 3] });
  for (const ihl of [0, 4, 6, 15]) {
    packet[0] = 0x40 | ihl;
    assert.is(found(packet), undefined);
  }
});

test('the first fragment has the transport header, later ones do not', () => {
  assert.equal(found(ipv4({ fragment: 0x2000 })), { protocol: 17, offset: 20 });
  assert.is(found(ipv4({ fragment: 0x2001 })), undefined);
  assert.is(found(ipv4({ fragment: 0x0001 })), undefined);
  assert.equal(found(ipv6({ protocol: 44, options: [17, 0, 0, 1, 0, 0, 0, 0] })), { protocol: 17, offset: 48 });
  assert.is(found(ipv6({ protocol: 44, options: [17, 0, 0, 8, 0, 0, 0, 0] })), undefined);
});

test('IPv6 extension headers are walked, each by its own unit of length', () => {
  const hopByHop = [60, 0, 0, 0, 0, 0, 0, 0];
  const destinationOptions = [51, 1, ...new Array<number>(14).fill(0)];
  const authentication = [43, 1, ...new Array<number>(10).fill(0)];
  const routing = [6, 0, 0, 0, 0, 0, 0, 0];
  const options = [...hopByHop, ...destinationOptions, ...authentication, ...routing];
  assert.equal(found(ipv6({ protocol: 0, options })), { protocol: 6, offset: 40 + 8 + 16 + 12 + 8 });
});

test('an extension header that runs past the end has no transport', () => {
  assert.is(found(ipv6({ protocol: 0, options: [6, 1, 0, 0, 0, 0, 0, 0] })), undefined);
  assert.is(found(ipv6({ protocol: 0, options: [6, 0, 0, 0] })), undefined);
});

test('a header that ends the packet is still found', () => {
  assert.equal(found(ipv6({ protocol: 59 })), { protocol: 59, offset: 40 });
});

test('any chain of headers ends, inside the packet', () => {
  const next = fc.constantFrom(0, 43, 44, 51, 60, 135, 139, 140, 6, 17);
  fc.assert(
    fc.property(next, fc.array(fc.tuple(next, fc.nat(3)), { maxLength: 20 }), (protocol, chain) => {
      const packet = ipv6({ protocol, options: chain.flatMap(([type, units]) => [type, units, 0, 0, 0, 0, 0, 0]) });
      const value = found(packet);
      if (value !== undefined) assert.ok(value.offset >= 40 && value.offset <= packet.length);
    }),
  );
});

test.run();
