/** What happens with the daemon, a line each for whoever follows it. */
export type MeshEvent =
  | { readonly event: 'state'; readonly state: string }
  | { readonly event: 'map'; readonly epoch: number; readonly revision: number; readonly nodes: number }
  | { readonly event: 'coordinator'; readonly connected: boolean }
  | { readonly event: 'key'; readonly isExpired: boolean }
  | { readonly event: 'pending'; readonly code: string; readonly url: string }
  | { readonly event: 'refused'; readonly code: string; readonly message: string }
  | { readonly event: 'peer'; readonly name: string; readonly what: string };

export interface EventBus {
  emit(event: MeshEvent): void;
  /** Calls back with each event. @returns a function that ends it */
  follow(callback: (event: MeshEvent) => void): () => void;
  /** The first value that `pick` has: asked now, and after each event. Rejects with the reason of the signal. */
  until<T>(pick: () => T | undefined, signal: AbortSignal | undefined): Promise<T>;
}

export function createEventBus(): EventBus {
  const followers = new Set<(event: MeshEvent) => void>();

  function follow(callback: (event: MeshEvent) => void): () => void {
    followers.add(callback);
    return () => void followers.delete(callback);
  }

  return {
    emit(event) {
      for (const follower of [...followers]) follower(event);
    },
    follow,
    until(pick, signal) {
      return new Promise((resolve, reject) => {
        const unfollow = follow(look);
        const finish = (): void => {
          unfollow();
          signal?.removeEventListener('abort', abort);
        };
        function look(): void {
          const value = pick();
          if (value === undefined) return;
          finish();
          resolve(value);
        }
        function abort(): void {
          finish();
          reject(signal!.reason);
        }
        signal?.addEventListener('abort', abort, { once: true });
        if (signal?.aborted) abort();
        else look();
      });
    },
  };
}
