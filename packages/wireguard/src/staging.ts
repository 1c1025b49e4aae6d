/**
 * Packets that wait for a session: the newest of each peer up to a limit, and of all peers together up to
 * another one, so that many peers that do not answer cannot starve one that does. The oldest goes first.
 */
import { type Batch, FRAME } from './batch.ts';

/** A copy of a frame: its packet, and the words of its descriptor that say what the packet is. */
export interface StagedFrame {
  readonly packet: Uint8Array;
  readonly words: Int32Array;
  readonly owner: StagingQueue;
}

/** One peer's waiting frames, oldest first. */
export interface StagingQueue {
  readonly frames: Set<StagedFrame>;
  /** Packets: a super-packet counts as what it becomes. */
  packets: number;
}

export interface Staging {
  /** Copies frame `index` of the batch behind what waits already. Returns how many packets had to go for it. */
  add(queue: StagingQueue, batch: Batch, index: number): number;
  /** Writes the oldest frame of a queue into frame `index` of the batch; false when there is none. */
  take(queue: StagingQueue, batch: Batch, index: number, offset: number): boolean;
  /** Drops all of a queue; returns how many packets it held. */
  clear(queue: StagingQueue): number;
}

export interface StagingLimits {
  /** Packets a peer. */
  readonly perPeer: number;
  /** Packets of all peers. */
  readonly total: number;
}

export function createStagingQueue(): StagingQueue {
  return { frames: new Set(), packets: 0 };
}

export function createStaging(limits: StagingLimits): Staging {
  const all = new Set<StagedFrame>();
  let total = 0;

  const drop = (frame: StagedFrame): number => {
    const packets = frame.words[FRAME.SEGMENTS]!;
    frame.owner.frames.delete(frame);
    frame.owner.packets -= packets;
    all.delete(frame);
    total -= packets;
    return packets;
  };

  const dropOldest = (frames: Set<StagedFrame>): number => {
    for (const frame of frames) return drop(frame);
    return 0;
  };

  return {
    add(queue, batch, index) {
      const at = index * FRAME.WORDS;
      const words = batch.frames.slice(at, at + FRAME.WORDS);
      const offset = words[FRAME.OFFSET]!;
      const frame = { packet: batch.bytes.slice(offset, offset + words[FRAME.LENGTH]!), words, owner: queue };
      const packets = words[FRAME.SEGMENTS]!;
      let dropped = 0;
      while (queue.frames.size > 0 && queue.packets + packets > limits.perPeer) dropped += dropOldest(queue.frames);
      while (all.size > 0 && total + packets > limits.total) dropped += dropOldest(all);
      queue.frames.add(frame);
      queue.packets += packets;
      all.add(frame);
      total += packets;
      return dropped;
    },
    take(queue, batch, index, offset) {
      for (const frame of queue.frames) {
        drop(frame);
        batch.frames.set(frame.words, index * FRAME.WORDS);
        batch.frames[index * FRAME.WORDS + FRAME.OFFSET] = offset;
        batch.bytes.set(frame.packet, offset);
        return true;
      }
      return false;
    },
    clear(queue) {
      let dropped = 0;
      while (queue.frames.size > 0) dropped += dropOldest(queue.frames);
      return dropped;
    },
  };
}
