/** Who must be woken when: a binary heap in which a deadline can be moved. */
export interface Deadlines<T extends HasDeadline> {
  /** Enters, moves or (at `Infinity`) removes an item. Costs the logarithm of how many are waiting, nothing where it stays. */
  set(item: T, at: number): void;
  /** The item that is due first, or undefined. */
  first(): T | undefined;
}

/** What an item carries for the heap: start with `{ deadline: Infinity, heapIndex: -1 }`. */
export interface HasDeadline {
  deadline: number;
  heapIndex: number;
}

export function createDeadlines<T extends HasDeadline>(): Deadlines<T> {
  const heap: T[] = [];

  const place = (item: T, index: number): void => {
    heap[index] = item;
    item.heapIndex = index;
  };

  const siftUp = (item: T, from: number): void => {
    let index = from;
    while (index > 0) {
      const parent = heap[(index - 1) >> 1]!;
      if (parent.deadline <= item.deadline) break;
      place(parent, index);
      index = (index - 1) >> 1;
    }
    place(item, index);
  };

  const siftDown = (item: T, from: number): void => {
    let index = from;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.deadline < heap[child]!.deadline) child++;
      if (heap[child]!.deadline >= item.deadline) break;
      place(heap[child]!, index);
      index = child;
    }
    place(item, index);
  };

  const remove = (item: T): void => {
    const index = item.heapIndex;
    const last = heap.pop()!;
    item.heapIndex = -1;
    if (last === item) return;
    siftUp(last, index);
    siftDown(last, last.heapIndex);
  };

  return {
    set(item, at) {
      if (item.deadline === at) return;
      const isEarlier = at < item.deadline;
      item.deadline = at;
      if (at === Number.POSITIVE_INFINITY) remove(item);
      else if (item.heapIndex < 0) siftUp(item, heap.push(item) - 1);
      else if (isEarlier) siftUp(item, item.heapIndex);
      else siftDown(item, item.heapIndex);
    },
    first: () => heap[0],
  };
}
