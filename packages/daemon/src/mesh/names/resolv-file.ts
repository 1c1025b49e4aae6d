import { dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import type { Logger } from '../../log.ts';
import { parseJson, readStateFile, removeStateFile, writeStateFile } from '../state/state-file.ts';
import { lookAt, type Place, putPlace } from './put-file.ts';
import { writeResolvConf, writerOf } from './resolv-conf.ts';

/** The machine's resolv.conf, while this process has its resolver in it. */
export interface ResolvFile {
  /** Undefined while it is as others want it. */
  readonly original: Place | undefined;
  /** Has these servers asked first. What others wrote meanwhile is the original from then on. @returns whether there was such */
  hold(servers: readonly string[]): boolean;
  /** Puts the original back, unless somebody else wrote a new one. */
  release(): void;
  /** Puts back what a process left that was killed. */
  recover(): void;
}

export interface ResolvFileOptions {
  readonly path: string;
  readonly stateDir: string;
  /** Whether programs of this machine ask the servers of the file in order. */
  readonly keepsOthers: boolean;
}

/** Of a file that we make. */
const MODE = 0o644;

const placeSchema = v.variant('kind', [
  v.object({ kind: v.literal('none') }),
  v.object({ kind: v.literal('file'), text: v.string(), mode: v.number(), uid: v.number(), gid: v.number() }),
  v.object({ kind: v.literal('link'), target: v.string(), text: v.optional(v.string()) }),
]);

/** The original is on disk before the file is changed: `resolv-conf.json` of the state directory. */
export function createResolvFile({ path, stateDir, keepsOthers }: ResolvFileOptions, log: Logger): ResolvFile {
  const recordPath = join(stateDir, 'resolv-conf.json');
  let held: { readonly original: Place; readonly text: string } | undefined;

  const textOf = (place: Place): string => (place.kind === 'none' ? '' : (place.text ?? ''));

  /** What others want there, as far as what is there tells. */
  function originalIn(there: Place, before: Place | undefined): Place {
    const writer = writerOf(textOf(there));
    if (writer.kind === 'others') return there;
    if (writer.isIntact && before !== undefined) return before;
    return asFile(writer.original, there);
  }

  function putBack(before: Place | undefined): void {
    const there = lookAt(path);
    if (writerOf(textOf(there)).kind === 'pcloud') putPlace(path, originalIn(there, before));
    removeStateFile(recordPath);
  }

  function readRecord(): Place | undefined {
    const read = v.safeParse(placeSchema, parseJson(readStateFile(recordPath) ?? ''));
    return read.success ? (read.output as Place) : undefined;
  }

  /** The link's own target goes on changing while we stand in its place. */
  function refreshed(original: Place): Place {
    if (original.kind !== 'link') return original;
    const target = resolve(dirname(path), original.target);
    const there = lookAt(target);
    if (writerOf(textOf(there)).kind === 'pcloud') return original;
    return { ...original, text: there.kind === 'none' ? undefined : textOf(there) };
  }

  return {
    get original() {
      return held?.original;
    },
    hold(servers) {
      const there = lookAt(path);
      const isOurs = held !== undefined && textOf(there) === held.text;
      const original = refreshed(isOurs ? held!.original : originalIn(there, undefined));
      const text = writeResolvConf(textOf(original), servers, { keepsOthers });
      if (isOurs && text === held?.text) return false;
      writeStateFile(recordPath, `${JSON.stringify(original)}\n`);
      held = { original, text };
      putPlace(path, asFile(text, original));
      return !isOurs;
    },
    release() {
      if (held === undefined) return;
      const { original } = held;
      held = undefined;
      putBack(original);
    },
    recover() {
      if (held !== undefined) return;
      const there = lookAt(path);
      if (writerOf(textOf(there)).kind === 'pcloud') {
        log.warn({}, 'a pcloud that was killed left its resolver in resolv.conf; the original is put back');
      }
      putBack(readRecord());
    },
  };
}

function asFile(text: string, like: Place): Place {
  return like.kind === 'file' ? { ...like, text } : { kind: 'file', text, mode: MODE, uid: 0, gid: 0 };
}
