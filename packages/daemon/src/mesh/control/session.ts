import {
  type ChannelOutput,
  createClientChannel,
  decodeBase64,
  encodeBase64,
  NetmapError,
  type NodeMessage,
  PROTOCOL_VERSIONS,
  proveNodeKey,
  type ServerMessage,
} from '@pcloud/netmap';
import type { Crypto } from '@pcloud/wireguard';
import type { Clock } from '../../clock.ts';
import type { Identity } from '../state/identity.ts';
import type { ControlTransport } from './transport.ts';

/** One node channel, from the handshake to its end. */
export interface ControlSession {
  /** Lost when the channel is over. */
  send(message: NodeMessage): void;
  /** Asks for a sign of life now: without one within 10 s the channel is over. */
  check(): void;
  /** That this node has the private half of a key, to the server at the other end; undefined before it asked. */
  prove(nodePrivate: Uint8Array): Uint8Array | undefined;
  /** Ends it without a word to `ended`. */
  close(): void;
}

/** What the node says of itself when it joins. */
export interface JoinFacts {
  readonly token?: string;
  readonly name: string;
  readonly endpoints: readonly string[];
  readonly map?: { readonly epoch: number; readonly revision: number; readonly hash: string };
}

export interface SessionOptions {
  readonly identity: Identity;
  /** 32 bytes. */
  readonly networkId: Uint8Array;
  /** The server's, 32 bytes. */
  readonly channelKey: Uint8Array;
  readonly program: string;
  /** Number of the newest server set seen, 0 for none. */
  readonly serverSet: number;
}

/** What a server says once the node has proven its keys. */
export type SessionMessage = Exclude<ServerMessage, { kind: 'challenge' | 'ping' | 'pong' }>;

export interface SessionDeps {
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly random: (out: Uint8Array) => void;
  /** Looks at the server's set, undefined when it sent none. @returns why the server is not one of ours, or undefined */
  readonly checkServerSet: (signed: Uint8Array | undefined) => SessionEnd | undefined;
  readonly joinFacts: () => JoinFacts;
  readonly handle: (message: SessionMessage) => void;
  /** Called once, unless `close` was. */
  readonly ended: (end: SessionEnd) => void;
}

export interface SessionEnd {
  readonly code:
    | 'CLOSED'
    | 'SILENT'
    | 'HANDSHAKE_REFUSED'
    | 'CHANNEL_FAULT'
    | 'VERSION_UNSUPPORTED'
    | 'SERVER_SET_REFUSED'
    | 'MAP_REFUSED'
    | 'REFUSED'
    | 'REPLACED'
    | 'TRY_LATER'
    | 'UNEXPECTED';
  readonly message: string;
}

/** How often the server is asked for a sign of life, and how long it has to give one: dead is noticed within 30 s. */
const PING_INTERVAL_MS = 20_000;
const DEADLINE_MS = 10_000;

export function startSession(transport: ControlTransport, options: SessionOptions, deps: SessionDeps): ControlSession {
  const { identity } = options;
  const { clock, crypto } = deps;
  const ephemeralPrivate = new Uint8Array(32);
  deps.random(ephemeralPrivate);
  const channel = createClientChannel({
    crypto,
    networkId: options.networkId,
    machinePrivate: identity.machine.privateKey,
    channelKey: options.channelKey,
    ephemeralPrivate,
  });
  ephemeralPrivate.fill(0);

  let hash: Uint8Array | undefined;
  /** Of the server, fresh. */
  let challengeKey: Uint8Array | undefined;
  let isChallenged = false;
  let isAdmitted = false;
  let isOver = false;
  let lastPing = 0;
  let cancelPing = (): void => {};
  let cancelDeadline = awaitSign();

  function finish(): boolean {
    if (isOver) return false;
    isOver = true;
    cancelPing();
    cancelDeadline();
    channel.destroy();
    transport.close();
    return true;
  }

  function end(code: SessionEnd['code'], message: string): void {
    if (finish()) deps.ended({ code, message });
  }

  function awaitSign(): () => void {
    return clock.setTimer(() => end('SILENT', 'the server has been silent for 10 seconds'), DEADLINE_MS);
  }

  /** Whatever the server says is a sign of life; the next is asked for in 20 s. */
  function noteLife(): void {
    cancelDeadline();
    cancelPing();
    cancelPing = clock.setTimer(ping, PING_INTERVAL_MS);
  }

  function ping(): void {
    cancelPing();
    cancelDeadline();
    cancelDeadline = awaitSign();
    lastPing += 1;
    send({ kind: 'ping', id: lastPing });
  }

  function send(message: NodeMessage): void {
    if (isOver) return;
    try {
      take(channel.send(message));
    } catch (error) {
      // Before the handshake is done there is nothing to say; what is said when joining has it all.
      if (!(error instanceof NetmapError && error.code === 'CHANNEL_NOT_OPEN')) throw error;
    }
  }

  function take(outputs: readonly ChannelOutput<ServerMessage>[]): void {
    for (const output of outputs) {
      if (isOver) return;
      switch (output.kind) {
        case 'transmit':
          transport.send(output.frame);
          break;
        case 'open':
          hash = output.hash;
          send({
            kind: 'hello',
            versions: PROTOCOL_VERSIONS,
            program: options.program,
            serverSet: options.serverSet,
          });
          break;
        case 'message':
          if (hash !== undefined) handle(output.message);
          break;
        case 'close':
          if (output.code === 'HANDSHAKE_REFUSED') {
            end('HANDSHAKE_REFUSED', 'what answers there is not a server of this network');
          } else {
            end('CHANNEL_FAULT', `the channel was disturbed (${output.code})`);
          }
      }
    }
  }

  function handle(message: ServerMessage): void {
    switch (message.kind) {
      case 'challenge':
        answer(message);
        return;
      case 'ping':
        send({ kind: 'pong', id: message.id });
        return;
      case 'pong':
        return;
      case 'refused':
        deps.handle(message);
        return;
      case 'welcome':
      case 'pending':
        if (!isChallenged) break;
        isAdmitted = message.kind === 'welcome';
        deps.handle(message);
        return;
      default:
        if (!isAdmitted) break;
        deps.handle(message);
        return;
    }
    end('UNEXPECTED', `the server sent "${message.kind}" before its turn`);
  }

  function answer(message: Extract<ServerMessage, { kind: 'challenge' }>): void {
    if (isChallenged) {
      end('UNEXPECTED', 'the server sent a second challenge');
      return;
    }
    isChallenged = true;
    if (message.version < PROTOCOL_VERSIONS.least || message.version > PROTOCOL_VERSIONS.most) {
      end('VERSION_UNSUPPORTED', `the server speaks version ${message.version}, which this program does not`);
      return;
    }
    const refusal = deps.checkServerSet(message.serverSet === undefined ? undefined : decodeBase64(message.serverSet));
    if (refusal !== undefined) {
      end(refusal.code, refusal.message);
      return;
    }
    challengeKey = decodeBase64(message.key, 32)!;
    const proof = prove(identity.node.privateKey);
    if (proof === undefined) {
      end('UNEXPECTED', 'the server sent a challenge that nobody can answer');
      return;
    }
    send({
      kind: 'join',
      nodeKey: encodeBase64(identity.node.publicKey),
      proof: encodeBase64(proof),
      ...deps.joinFacts(),
    });
  }

  function prove(nodePrivate: Uint8Array): Uint8Array | undefined {
    if (challengeKey === undefined || hash === undefined) return undefined;
    return proveNodeKey({ crypto, nodePrivate, challengeKey, handshakeHash: hash });
  }

  transport.listen({
    frame(frame) {
      if (isOver) return;
      // A part of a long message is a sign of life too.
      if (hash !== undefined) noteLife();
      take(channel.handleFrame(frame));
    },
    closed(why) {
      if (hash !== undefined) end('CLOSED', why);
      else end('HANDSHAKE_REFUSED', 'what answers there does not prove to be a server of this network');
    },
  });
  take(channel.start());

  return {
    send,
    prove,
    check: () => {
      if (!isOver && isChallenged) ping();
    },
    close: () => void finish(),
  };
}
