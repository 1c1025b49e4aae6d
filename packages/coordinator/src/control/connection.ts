/** One node's channel, from its first frame to its last. */
import {
  type ChannelFault,
  type ChannelOutput,
  createServerChannel,
  decodeBase64,
  encodeBase64,
  encodeMessage,
  LIMITS,
  MAX_SERVER_MESSAGE_BYTES,
  NetmapError,
  type NodeMessage,
  PROTOCOL_VERSIONS,
  REVOCATIONS_VERSION,
  type RefusalCode,
  type ServerMessage,
  toPlainText,
  verifyNodeKey,
} from '@pcloud/netmap';
import * as v from 'valibot';
import { CoordinatorError } from '../errors.ts';
import { createMapFeed, type MapFeed } from '../maps/map-feed.ts';
import type { NodeRecord } from '../nodes/node-record.ts';
import { problemOf } from '../problem.ts';
import { describeStoreFault } from '../store/index.ts';
import type {
  ConnectionInput,
  ControlCounter,
  ControlDeps,
  DoorAnswer,
  DoorRequest,
  FrameSocket,
  PendingApproval,
  SocketFault,
} from './control-server.ts';
import { withObserved } from './observed-endpoint.ts';
import { createRevocationFeed, type RevocationFeed } from './revocation-feed.ts';

export interface Connection extends ConnectionInput {
  /** Says why, and ends. */
  end(code: RefusalCode, message: string): void;
  /** It may be another matter how long the node's key holds. */
  tellKey(): void;
  /** The list of what was revoked has grown. */
  tellRevocations(): void;
  /** How many of the list, in its order, are in force at the node. */
  readonly confirmedRevocations: number;
}

export interface ConnectionDeps extends ControlDeps {
  readonly count: (counter: ControlCounter) => void;
  readonly countSent: (kind: ServerMessage['kind'], bytes: number) => void;
  readonly handleMember: (nodeId: string) => void;
  readonly handleEnd: (nodeId: string | undefined) => void;
  /** A member has confirmed more of what was revoked. */
  readonly handleConfirmed: (nodeId: string, confirmed: number) => void;
}

type Join = Extract<NodeMessage, { kind: 'join' }>;

/** Within this a connection must have said hello and proven its keys. */
const GREETING_MS = 10_000;
/** Silence is asked about after this, and must end before the deadline: a dead node is noticed within 30 s. */
const PING_MS = 15_000;
const PONG_DEADLINE_MS = 10_000;
/**
 * Bytes that may wait to be taken by who goes on to ask. A member's hold its largest map; a stranger is sent little.
 */
const MAX_UNREAD_BYTES = { stranger: 1_048_576, member: 2 * MAX_SERVER_MESSAGE_BYTES } as const;
const rotation = v.strictObject({ nodeKey: v.string(), proof: v.string() });
const REMOVED = 'this node was removed from the network';
/** Operations of one node under way at once. */
const MAX_REQUESTS = 8;

export function createConnection(socket: FrameSocket, source: string, deps: ConnectionDeps): Connection {
  const { crypto, log, network, presence, refusals } = deps;
  const channel = createServerChannel({
    crypto,
    networkId: network.id,
    channelPrivate: network.channelPrivate,
    ephemeralPrivate: freshKey(),
    ...(deps.maxMessageBytes === undefined ? {} : { maxSentBytes: deps.maxMessageBytes }),
  });
  const challengePrivate = freshKey();
  let stage: 'greeting' | 'challenged' | 'joining' | 'member' | 'over' = 'greeting';
  let remoteKey = '';
  let handshakeHash = new Uint8Array(0);
  let node: NodeRecord | undefined;
  let feed: MapFeed | undefined;
  let revocations: RevocationFeed | undefined;
  let version = 0;
  let saidOfKey = '';
  let approval: PendingApproval | undefined;
  let requests = 0;
  let isRemoved = false;
  let pingId = 0;
  let cancelTimer = deps.setTimer(() => giveUp('silent', 'SILENT'), GREETING_MS);

  function freshKey(): Uint8Array {
    const key = new Uint8Array(32);
    deps.random(key);
    return key;
  }

  function perform(outputs: readonly ChannelOutput<NodeMessage>[]): void {
    for (const output of outputs) {
      if (stage === 'over') return;
      switch (output.kind) {
        case 'transmit':
          socket.send(output.frame);
          break;
        case 'open':
          remoteKey = encodeBase64(output.remoteKey);
          handshakeHash = output.hash.slice();
          break;
        case 'message':
          handleMessage(output.message);
          break;
        case 'close':
          giveUp(output.code === 'HANDSHAKE_REFUSED' ? 'handshakes-refused' : 'frames-refused', output.code);
      }
    }
  }

  function send(message: ServerMessage): void {
    sendText(message.kind, encodeMessage(message));
  }

  function sendText(kind: ServerMessage['kind'], text: string): void {
    if (trySend(kind, text)) return;
    log.error(
      { code: 'MESSAGE_TOO_LARGE', node: node?.name, length: text.length },
      'no node takes a message of that size',
    );
    end('MESSAGE_TOO_LARGE', 'what the server has to say is larger than a node takes');
  }

  /** False: it is larger than a node takes, and nothing was sent. */
  function trySend(kind: ServerMessage['kind'], text: string): boolean {
    if (stage === 'over') return true;
    try {
      perform(channel.sendText(text));
      deps.countSent(kind, text.length);
      return true;
    } catch (error) {
      if (error instanceof NetmapError && error.code === 'TOO_LARGE') return false;
      throw error;
    }
  }

  /** Ends without a word: whoever is there is not to be talked to, or does not listen. */
  function giveUp(counter: ControlCounter, code: ChannelFault | SocketFault | 'OUT_OF_TURN' | 'SILENT'): void {
    if (stage === 'over') return;
    deps.count(counter);
    refusals.note('channel', code, source, node?.name);
    finish();
  }

  function end(code: RefusalCode, message: string): void {
    if (stage === 'over') return;
    deps.count('refused');
    refusals.note('join', code, source, node?.name);
    if (stage !== 'greeting') send({ kind: 'refused', code, message });
    finish();
  }

  /** A fault of ours is the end of one channel, and not of all of them. */
  function fail(error: unknown): void {
    log.error({ node: node?.name, fault: String((error as Error).stack ?? error) }, 'a channel failed');
    finish();
  }

  function finish(): void {
    if (stage === 'over') return;
    stage = 'over';
    cancelTimer();
    feed?.stop();
    approval?.cancel();
    channel.destroy();
    challengePrivate.fill(0);
    socket.close();
    deps.handleEnd(node?.id);
  }

  function handleMessage(message: NodeMessage): void {
    if (stage === 'member' || approval !== undefined) listen();
    if (message.kind === 'hello' && stage === 'greeting') handleHello(message);
    else if (message.kind === 'join' && stage === 'challenged') handleJoin(message);
    else if (message.kind === 'ping') send({ kind: 'pong', id: message.id });
    else if (message.kind === 'pong') return;
    else if (stage === 'member') handleMemberMessage(message);
    else giveUp('out-of-turn', 'OUT_OF_TURN');
  }

  function handleHello({ versions, serverSet }: Extract<NodeMessage, { kind: 'hello' }>): void {
    stage = 'challenged';
    version = Math.min(versions.most, PROTOCOL_VERSIONS.most);
    if (version < Math.max(versions.least, PROTOCOL_VERSIONS.least)) {
      const ours = `${PROTOCOL_VERSIONS.least} to ${PROTOCOL_VERSIONS.most}`;
      end('VERSION_UNSUPPORTED', `this server speaks protocol versions ${ours}; update the older of the two`);
      return;
    }
    const known = serverSet === network.serverSetNumber;
    send({
      kind: 'challenge',
      version,
      key: encodeBase64(crypto.publicKey(challengePrivate)),
      ...(known ? {} : { serverSet: encodeBase64(network.serverSet) }),
      wallMs: deps.wallMs(),
    });
  }

  /** Whether whoever is at the other end of this channel has the private half. */
  function isProven(said: Pick<Join, 'nodeKey' | 'proof'>): boolean {
    const nodeKey = decodeBase64(said.nodeKey, 32);
    const proof = decodeBase64(said.proof, 32);
    if (nodeKey === undefined || proof === undefined) return false;
    return verifyNodeKey({ crypto, nodeKey, challengePrivate, handshakeHash, proof });
  }

  function handleJoin(join: Join): void {
    if (!isProven(join)) {
      end('KEY_PROOF_INVALID', 'node key: the proof does not verify');
      return;
    }
    stage = 'joining';
    cancelTimer();
    const request = { machineKey: remoteKey, nodeKey: join.nodeKey, token: join.token, wishedName: join.name, source };
    settle(deps.door.join(request), join, request);
  }

  function settle(answer: Promise<DoorAnswer>, join: Join, request: DoorRequest): void {
    answer
      .then((decided) => {
        if (stage === 'over') return;
        if (decided.kind === 'member') becomeMember(decided.node, join);
        else if (decided.kind === 'refused') end(decided.code, decided.message);
        else askApproval(join, request);
      })
      .catch((error: unknown) => {
        if (stage === 'over') return;
        log.error({ error: (error as Error).message }, 'a join failed');
        end('TRY_LATER', describeStoreFault(error));
      });
  }

  function askApproval(join: Join, request: DoorRequest): void {
    deps.door.requestApproval(request).then(
      (pending) => {
        settle(pending.decided, join, request);
        if (stage === 'over') {
          pending.cancel();
          return;
        }
        approval = pending;
        const { code, url, expiresInMs } = pending;
        send({ kind: 'pending', code, url, expiresInMs });
        listen();
      },
      (error: unknown) => {
        log.error({ error: (error as Error).message }, 'an approval could not be asked for');
        end('TRY_LATER', describeStoreFault(error));
      },
    );
  }

  function becomeMember(member: NodeRecord, join: Join): void {
    if (deps.maps.face(member.id) === undefined) {
      // Somebody took it out between its being found and now.
      end('NODE_REMOVED', REMOVED);
      return;
    }
    node = member;
    approval = undefined;
    stage = 'member';
    deps.handleMember(member.id);
    presence.setOnline(member.id, withObserved(join.endpoints, source));
    send({ kind: 'welcome', nodeId: member.id, program: deps.program });
    feed = createMapFeed(member.id, {
      source: deps.maps,
      presence,
      epoch: network.epoch,
      load: deps.load,
      send,
      sendText: (text) => sendText('presence', text),
      pendingBytes: () => socket.pendingBytes,
      setTimer: deps.setTimer,
      handleRemoved,
    });
    feed.start(join.map);
    if (version >= REVOCATIONS_VERSION) {
      revocations = createRevocationFeed(deps.revocations, send);
      revocations.start();
      tellKey();
    }
    listen();
  }

  /** In times from now: a device's clock may be any. */
  function tellKey(): void {
    const state = version >= REVOCATIONS_VERSION && node ? deps.keyStateOf(node.id) : undefined;
    if (state === undefined) return;
    const said = JSON.stringify(state);
    if (said === saidOfKey) return;
    saidOfKey = said;
    const { isExpired, expiresAtMs, rotatesAtMs } = state;
    const left = (atMs: number): number => Math.max(0, Math.round(atMs - deps.wallMs()));
    send({
      kind: 'key',
      isExpired,
      ...(expiresAtMs !== undefined && { expiresInMs: left(expiresAtMs) }),
      ...(rotatesAtMs !== undefined && { rotatesInMs: left(rotatesAtMs) }),
    });
  }

  /** Who asked to leave has the answer first. */
  function handleRemoved(): void {
    isRemoved = true;
    if (requests === 0) end('NODE_REMOVED', REMOVED);
  }

  function handleMemberMessage(message: NodeMessage): void {
    if (message.kind === 'endpoints') presence.setOnline(node!.id, withObserved(message.endpoints, source));
    else if (message.kind === 'resync') feed!.resync();
    else if (message.kind === 'revoked') handleRevoked(message);
    else if (message.kind === 'request') handleRequest(message);
    else giveUp('out-of-turn', 'OUT_OF_TURN');
  }

  function handleRevoked(message: Extract<NodeMessage, { kind: 'revoked' }>): void {
    if (revocations?.handleConfirmed(message)) deps.handleConfirmed(node!.id, revocations.confirmed);
    else giveUp('out-of-turn', 'OUT_OF_TURN');
  }

  function handleRequest({ id, operation, input }: Extract<NodeMessage, { kind: 'request' }>): void {
    if (isRemoved) return;
    if (requests >= MAX_REQUESTS) {
      refusals.note('request', 'RATE_LIMITED', source, node!.name);
      send({ kind: 'failure', id, code: 'TOO_MANY_REQUESTS', message: `${MAX_REQUESTS} requests are under way` });
      return;
    }
    requests += 1;
    run(operation, input)
      .then(
        (result) => respond(id, result),
        (error: unknown) => rejectRequest(id, error),
      )
      .finally(() => {
        requests -= 1;
        if (isRemoved && stage !== 'over') handleRemoved();
      })
      .catch(fail);
  }

  async function run(operation: string, input: unknown): Promise<unknown> {
    if (operation !== 'nodes.rotate') return deps.request(node!, operation, input, source);
    const said = v.safeParse(rotation, input);
    if (!said.success || !isProven(said.output)) {
      throw new CoordinatorError('KEY_PROOF_INVALID', 'node key: the proof does not verify');
    }
    await deps.rotate(node!, said.output.nodeKey, source);
    return {};
  }

  function rejectRequest(id: number, error: unknown): void {
    const { code, message } = problemOf(error, log);
    refusals.note('request', code, source, node!.name);
    send({ kind: 'failure', id, code, message: toPlainText(message.replace(/\s*\n\s*/g, ' '), LIMITS.TEXT) });
  }

  function respond(id: number, result: unknown): void {
    if (trySend('response', encodeMessage({ kind: 'response', id, result: result ?? null }))) return;
    refusals.note('request', 'FAILED', source, node!.name);
    send({ kind: 'failure', id, code: 'RESULT_TOO_LARGE', message: 'the answer is larger than a device takes' });
  }

  /** Starts the time within which the node must be heard again. */
  function listen(): void {
    if (stage === 'over') return;
    cancelTimer();
    cancelTimer = deps.setTimer(() => {
      pingId += 1;
      send({ kind: 'ping', id: pingId });
      cancelTimer = deps.setTimer(() => giveUp('silent', 'SILENT'), PONG_DEADLINE_MS);
    }, PING_MS);
  }

  return {
    handleFrame(frame) {
      if (stage === 'over') return;
      const isUnread = socket.pendingBytes > MAX_UNREAD_BYTES[stage === 'member' ? 'member' : 'stranger'];
      if (isUnread) {
        giveUp('frames-refused', 'UNREAD');
        return;
      }
      try {
        perform(channel.handleFrame(frame));
      } catch (error) {
        fail(error);
      }
    },
    handleFault: (code) => giveUp('frames-refused', code),
    handleClose: finish,
    end,
    tellKey,
    tellRevocations: () => revocations?.tell(),
    get confirmedRevocations() {
      return revocations?.confirmed ?? 0;
    },
  };
}
