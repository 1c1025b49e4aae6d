import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  type ChannelOutput,
  type ClientChannel,
  controlPrologue,
  createChannel,
  createClientChannel,
  createInitiator,
  createServerChannel,
  encodeMessage,
  FRAME,
  MAX_NODE_MESSAGE_BYTES,
  MAX_SERVER_MESSAGE_BYTES,
  type NodeMessage,
  type ServerChannel,
} from '../src/index.ts';
import { crypto, flips, LOW_ORDER_KEYS, publicOf, resized, secret } from './keys.ts';

const HELLO: NodeMessage = { kind: 'hello', versions: { least: 1, most: 1 }, program: 'test', serverSet: 0 };
const NETWORK = secret(7);

function client(options: { network?: Uint8Array; channelKey?: Uint8Array } = {}): ClientChannel {
  return createClientChannel({
    crypto,
    networkId: options.network ?? NETWORK,
    machinePrivate: secret(1),
    channelKey: options.channelKey ?? publicOf(secret(2)),
    ephemeralPrivate: secret(3),
  });
}

function server(): ServerChannel {
  return createServerChannel({
    crypto,
    networkId: NETWORK,
    channelPrivate: secret(2),
    ephemeralPrivate: secret(4),
  });
}

function frameOf(outputs: readonly ChannelOutput<unknown>[]): Uint8Array {
  assert.is(outputs.length, 1);
  const [output] = outputs;
  if (output?.kind !== 'transmit') throw new Error(`expected one frame, got ${output?.kind}`);
  return output.frame;
}

/** Both ends after the handshake, before the node said anything. */
function connected(): { node: ClientChannel; coordinator: ServerChannel } {
  const [node, coordinator] = [client(), server()];
  node.handleFrame(frameOf(coordinator.handleFrame(frameOf(node.start()))));
  return { node, coordinator };
}

test('node and server open the channel, name each other’s keys and agree on its hash', () => {
  const [node, coordinator] = [client(), server()];
  const [nodeOpen] = node.handleFrame(frameOf(coordinator.handleFrame(frameOf(node.start()))));
  const [serverOpen, message] = coordinator.handleFrame(frameOf(node.send(HELLO)));
  if (nodeOpen?.kind !== 'open' || serverOpen?.kind !== 'open') throw new Error('the channel did not open');
  assert.equal(nodeOpen.remoteKey, publicOf(secret(2)));
  assert.equal(serverOpen.remoteKey, publicOf(secret(1)));
  assert.equal(nodeOpen.hash, serverOpen.hash);
  assert.equal(message, { kind: 'message', message: HELLO });
  const ping = { kind: 'ping', id: 3 } as const;
  assert.equal(node.handleFrame(frameOf(coordinator.send(ping))), [{ kind: 'message', message: ping }]);
});

test('a server opens nothing for a request alone, so a replayed one gives nobody away', () => {
  const request = frameOf(client().start());
  for (const coordinator of [server(), server()]) {
    assert.equal(
      coordinator.handleFrame(request).map(({ kind }) => kind),
      ['transmit'],
    );
    assert.throws(
      () => coordinator.send({ kind: 'ping', id: 1 }),
      (error: { code: string }) => error.code === 'CHANNEL_NOT_OPEN',
    );
    assert.equal(coordinator.handleFrame(request), [{ kind: 'close', code: 'UNAUTHENTIC' }]);
  }
});

test('a request with any byte changed closes the server’s end and opens nothing', () => {
  const request = frameOf(client().start());
  for (const altered of [...flips(request), ...resized(request)]) {
    const coordinator = server();
    assert.equal(coordinator.handleFrame(altered), [{ kind: 'close', code: 'HANDSHAKE_REFUSED' }]);
    assert.equal(coordinator.handleFrame(request), []);
    assert.equal(coordinator.send({ kind: 'ping', id: 1 }), []);
  }
});

test('a response with any byte changed closes the node’s end and opens nothing', () => {
  const response = frameOf(server().handleFrame(frameOf(client().start())));
  for (const altered of [...flips(response), ...resized(response)]) {
    const node = client();
    node.start();
    assert.equal(node.handleFrame(altered), [{ kind: 'close', code: 'HANDSHAKE_REFUSED' }]);
    assert.equal(node.handleFrame(response), []);
    assert.equal(node.send(HELLO), []);
  }
});

test('a first transport message with any byte changed opens nothing', () => {
  const frame = frameOf(connected().node.send(HELLO));
  for (const altered of flips(frame)) {
    const { coordinator } = connected();
    assert.equal(coordinator.handleFrame(altered), [{ kind: 'close', code: 'UNAUTHENTIC' }]);
    assert.equal(coordinator.handleFrame(frame), []);
  }
});

test('a first message in several frames opens the channel at the first of them', () => {
  const { node, coordinator } = connected();
  const request: NodeMessage = { kind: 'request', id: 1, operation: 'a.b', input: 'x'.repeat(70_000) };
  const kinds = node.send(request).map((output) => coordinator.handleFrame(frameOf([output])).map(({ kind }) => kind));
  assert.equal(kinds, [['open'], ['message']]);
});

test('a request for another network or another server is refused', () => {
  for (const options of [{ network: secret(8) }, { channelKey: publicOf(secret(9)) }]) {
    const outputs = server().handleFrame(frameOf(client(options).start()));
    assert.equal(outputs, [{ kind: 'close', code: 'HANDSHAKE_REFUSED' }]);
  }
});

test('a channel key of low order is refused before anything is sent', () => {
  for (const channelKey of LOW_ORDER_KEYS) {
    const node = client({ channelKey });
    assert.equal(node.start(), [{ kind: 'close', code: 'HANDSHAKE_REFUSED' }]);
    assert.equal(node.start(), []);
  }
});

test('something sealed that is no message closes the channel', () => {
  const { node, coordinator } = connected();
  coordinator.handleFrame(frameOf(node.send(HELLO)));
  const unknown = { kind: 'shutdown' } as unknown as NodeMessage;
  assert.equal(coordinator.handleFrame(frameOf(node.send(unknown))), [{ kind: 'close', code: 'MALFORMED' }]);
  assert.equal(coordinator.handleFrame(new Uint8Array(100)), []);
});

test('a first message that is none closes the channel without opening it', () => {
  const { node, coordinator } = connected();
  const unknown = { kind: 'shutdown' } as unknown as NodeMessage;
  assert.equal(coordinator.handleFrame(frameOf(node.send(unknown))), [{ kind: 'close', code: 'MALFORMED' }]);
});

test('a node that sends more than a server takes is cut off before all of it has come', () => {
  const initiator = createInitiator({
    crypto,
    prologue: controlPrologue(NETWORK),
    staticPrivate: secret(1),
    remoteStatic: publicOf(secret(2)),
    ephemeralPrivate: secret(3),
  });
  const coordinator = server();
  const keys = initiator.finish(frameOf(coordinator.handleFrame(initiator.start()!)))!;
  const frames = createChannel(keys).seal('x'.repeat(16 * FRAME.PART));
  const taken = frames.findIndex((frame) => coordinator.handleFrame(frame).some(({ kind }) => kind === 'close'));
  assert.is(taken, Math.floor(MAX_NODE_MESSAGE_BYTES / FRAME.PART));
});

test('a node is told of a message that its server would not take, and the channel stays', () => {
  const { node, coordinator } = connected();
  const large: NodeMessage = { kind: 'request', id: 1, operation: 'a.b', input: 'x'.repeat(MAX_NODE_MESSAGE_BYTES) };
  assert.throws(
    () => node.send(large),
    (error: { code: string }) => error.code === 'TOO_LARGE',
  );
  assert.is(coordinator.handleFrame(frameOf(node.send(HELLO))).length, 2);
});

test('a server may say as much as the map of a full network, and no more', () => {
  const { node, coordinator } = connected();
  coordinator.handleFrame(frameOf(node.send(HELLO)));
  const text = encodeMessage({ kind: 'response', id: 1, result: 'x'.repeat(20 * 1024 * 1024) });
  const received = coordinator
    .sendText(text)
    .flatMap((output) => node.handleFrame(output.kind === 'transmit' ? output.frame : new Uint8Array()));
  assert.is(received.length, 1);
  assert.is(received[0]?.kind === 'message' && encodeMessage(received[0].message) === text, true);
  assert.throws(
    () => coordinator.sendText('x'.repeat(MAX_SERVER_MESSAGE_BYTES + 1)),
    (error: { code: string }) => error.code === 'TOO_LARGE',
  );
});

test('a node cannot speak before the server has answered', () => {
  const node = client();
  node.start();
  assert.throws(
    () => node.send(HELLO),
    (error: { code: string }) => error.code === 'CHANNEL_NOT_OPEN',
  );
});

test('a channel that was destroyed says nothing more', () => {
  const { node, coordinator } = connected();
  const frame = frameOf(node.send(HELLO));
  node.destroy();
  coordinator.destroy();
  assert.equal(node.send(HELLO), []);
  assert.equal(node.start(), []);
  assert.equal(coordinator.handleFrame(frame), []);
  const early = client();
  early.destroy();
  assert.equal(early.start(), []);
});

test('frames of any kind at any time close a channel at most once and never throw', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ minLength: 96, maxLength: 96 }),
    fc.uint8Array({ minLength: 48, maxLength: 48 }),
  );
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 4 }), fc.boolean(), (frames, isConnected) => {
      const { node, coordinator } = isConnected ? connected() : { node: client(), coordinator: server() };
      for (const end of [node, coordinator]) {
        const outputs = frames.flatMap((frame): ChannelOutput<unknown>[] => end.handleFrame(frame));
        assert.ok(outputs.length <= 1);
        assert.ok(outputs.every(({ kind }) => kind === 'close'));
      }
    }),
    { numRuns: 60 },
  );
});

test.run();
