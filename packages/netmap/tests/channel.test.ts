import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type Channel,
  type ChannelOptions,
  createChannel,
  FRAME,
  MAX_MESSAGE_BYTES,
  type OpenedFrame,
} from '../src/channel/channel.ts';
import { nextNonce } from '../src/channel/nonce.ts';
import { crypto, flips, resized, secret } from './keys.ts';

interface Pair {
  readonly a: Channel;
  readonly b: Channel;
}

function pair(options: ChannelOptions = {}, key = secret): Pair {
  const end = (send: number, receive: number): Channel =>
    createChannel(
      { send: crypto.createTransportKey(key(send)), receive: crypto.createTransportKey(key(receive)) },
      options,
    );
  return { a: end(1, 2), b: end(2, 1) };
}

/** What the receiver says to frames in this order. */
function openAll(channel: Channel, frames: readonly Uint8Array[]): OpenedFrame[] {
  return frames.map((frame) => channel.open(frame));
}

/** A frame with any plaintext, as the first that a channel of `pair` sends. */
function rawFrame(plaintext: Uint8Array): Uint8Array {
  const frame = new Uint8Array(plaintext.length + FRAME.TAG);
  frame.set(plaintext);
  crypto.createTransportKey(secret(1)).seal(frame, 0, plaintext.length, 0, 0);
  return frame;
}

test('texts arrive as they were sent, in both directions', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.string({ unit: 'binary' }))), (turns) => {
      const { a, b } = pair();
      for (const [isFromA, text] of turns) {
        const [from, to] = isFromA ? [a, b] : [b, a];
        assert.equal(openAll(to, from.seal(text)), [{ kind: 'message', text }]);
      }
    }),
  );
});

test('a text is cut into frames of 65,535 bytes at most and put together again', () => {
  for (const length of [0, 1, FRAME.PART - 1, FRAME.PART, FRAME.PART + 1, 2 * FRAME.PART, 200_000]) {
    const { a, b } = pair();
    const text = 'x'.repeat(length);
    const frames = a.seal(text);
    assert.is(frames.length, Math.max(1, Math.ceil(length / FRAME.PART)));
    assert.ok(frames.every((frame) => frame.length <= 65_535));
    const opened = openAll(b, frames);
    assert.ok(opened.slice(0, -1).every(({ kind }) => kind === 'more'));
    assert.equal(opened.at(-1), { kind: 'message', text });
  }
});

test('a character on the border of two frames stays whole', () => {
  const { a, b } = pair();
  const text = `${'x'.repeat(FRAME.PART - 1)}é☃`;
  assert.equal(openAll(b, a.seal(text)).at(-1), { kind: 'message', text });
});

test('a frame with any byte changed or of another length ends the channel', () => {
  const frame = pair().a.seal('{"kind":"ping","id":1}')[0]!;
  for (const altered of [...flips(frame), ...resized(frame)]) {
    const { b } = pair();
    const { kind, ...opened } = b.open(altered);
    assert.is(kind, 'bad');
    assert.ok(['UNAUTHENTIC', 'MALFORMED'].includes((opened as { code: string }).code));
    assert.equal(b.open(frame), { kind: 'bad', code: 'CLOSED' });
  }
});

test('a frame keeps its bytes when it is opened', () => {
  const { a, b } = pair();
  const frame = a.seal('hello')[0]!;
  const copy = frame.slice();
  b.open(frame);
  assert.equal(frame, copy);
});

test('a frame in a Node Buffer, as WebSockets hand it over, keeps its bytes too', () => {
  const { a, b } = pair();
  const frame = Buffer.from(a.seal('hello')[0]!);
  const copy = Buffer.from(frame);
  b.open(frame);
  assert.ok(frame.equals(copy));
});

test('frames repeated, left out, out of order or reflected end the channel', () => {
  const orders: readonly (readonly number[])[] = [[0, 0], [1], [1, 0], [0, 2], [2]];
  for (const order of orders) {
    const { a, b } = pair();
    const frames = ['one', 'two', 'three'].map((text) => a.seal(text)[0]!);
    const opened = openAll(
      b,
      order.map((i) => frames[i]!),
    );
    assert.ok(opened.some((one) => one.kind === 'bad' && one.code === 'UNAUTHENTIC'));
    assert.equal(b.open(frames[0]!), { kind: 'bad', code: 'CLOSED' });
  }
  const { a } = pair();
  assert.equal(a.open(a.seal('mirror')[0]!), { kind: 'bad', code: 'UNAUTHENTIC' });
});

test('a part that is neither last nor more, more but not full, or empty of even its mark ends the channel', () => {
  const part = (mark: number, length: number): Uint8Array => {
    const plaintext = new Uint8Array(1 + length);
    plaintext[0] = mark;
    return plaintext;
  };
  for (const plaintext of [part(2, 5), part(255, 0), part(1, 0), part(1, FRAME.PART - 1), new Uint8Array(0)]) {
    assert.equal(pair().b.open(rawFrame(plaintext)), { kind: 'bad', code: 'MALFORMED' });
  }
  assert.equal(pair().b.open(rawFrame(part(1, FRAME.PART))), { kind: 'more' });
});

test('a text that is not UTF-8 ends the channel', () => {
  assert.equal(pair().b.open(rawFrame(Uint8Array.of(0, 0xc3, 0x28))), { kind: 'bad', code: 'MALFORMED' });
});

test('a byte-order mark is text', () => {
  const { a, b } = pair();
  assert.equal(openAll(b, a.seal('\ufeffx')), [{ kind: 'message', text: '\ufeffx' }]);
});

test('the receiver’s limit ends the channel at the frame that passes it', () => {
  const limit = 2 * FRAME.PART;
  const { a, b } = pair({ maxReceivedBytes: limit });
  assert.is(openAll(b, a.seal('x'.repeat(limit))).at(-1)!.kind, 'message');
  const opened = openAll(b, a.seal('x'.repeat(limit + 1)));
  assert.equal(opened, [{ kind: 'more' }, { kind: 'more' }, { kind: 'bad', code: 'TOO_LARGE' }]);
});

test('a text over the sender’s limit is refused before anything is sealed', () => {
  const { a, b } = pair({ maxSentBytes: 10 });
  assert.throws(
    () => a.seal('é'.repeat(6)),
    (error: { code: string }) => error.code === 'TOO_LARGE',
  );
  assert.equal(openAll(b, a.seal('still here')), [{ kind: 'message', text: 'still here' }]);
  assert.throws(() => pair().a.seal('x'.repeat(MAX_MESSAGE_BYTES + 1)), /at most 16777216 are sent/);
});

test('nonces go on past 32 bits and stop before the last one', () => {
  const { a, b } = pair({ firstNonce: { low: 0xffff_fffe, high: 6 } });
  for (const text of ['6.fffffffe', '6.ffffffff', '7.0', '7.1']) {
    assert.equal(openAll(b, a.seal(text)), [{ kind: 'message', text }]);
  }
  assert.equal(nextNonce({ low: 0xffff_ffff, high: 6 }), { low: 0, high: 7 });

  const last = pair({ firstNonce: { low: 0xffff_fffe, high: 0xffff_ffff } });
  const [frame] = last.a.seal('last') as [Uint8Array];
  assert.is(last.b.open(frame).kind, 'message');
  assert.throws(() => last.a.seal('more'), /the channel is over/);
  assert.equal(last.b.open(frame), { kind: 'bad', code: 'EXHAUSTED' });
});

test('a fault and destroy zero both keys', () => {
  const destroyed: string[] = [];
  const watched = () =>
    createChannel({
      send: { ...crypto.createTransportKey(secret(1)), destroy: () => void destroyed.push('send') },
      receive: { ...crypto.createTransportKey(secret(2)), destroy: () => void destroyed.push('receive') },
    });
  watched().open(new Uint8Array(40));
  assert.equal(destroyed, ['send', 'receive']);
  const channel = watched();
  channel.destroy();
  assert.equal(destroyed, ['send', 'receive', 'send', 'receive']);
  assert.throws(() => channel.seal('x'), /the channel is over/);
});

test('bytes of any kind are a fault, never a throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      assert.is(pair().b.open(bytes).kind, 'bad');
    }),
  );
  assert.equal(pair().b.open(new Uint8Array(65_536)), { kind: 'bad', code: 'MALFORMED' });
});

test.run();
