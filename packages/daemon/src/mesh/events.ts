/** What happens with the daemon, a line each for whoever follows it. */
export type MeshEvent =
  | { readonly event: 'state'; readonly state: string }
  | { readonly event: 'map'; readonly epoch: number; readonly revision: number; readonly nodes: number }
  | { readonly event: 'coordinator'; readonly connected: boolean }
  | { readonly event: 'pending'; readonly code: string; readonly url: string }
  | { readonly event: 'refused'; readonly code: string; readonly message: string }
  | { readonly event: 'peer'; readonly name: string; readonly what: string };

export interface EventBus {
  emit(event: MeshEvent): void;
  /** Calls back with each event. @returns a function that ends it */
  follow(callback: (event: MeshEvent) => void): () => void;
}

export function createEventBus(): EventBus {
  const followers = new Set<(event: MeshEvent) => void>();
  return {
    emit(event) {
      for (const follower of [...followers]) follower(event);
    },
    follow(callback) {
      followers.add(callback);
      return () => void followers.delete(callback);
    },
  };
}
