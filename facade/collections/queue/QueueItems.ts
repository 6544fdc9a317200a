/**
 * The items of a queue as this peer has them, by their numbers.
 *
 * Numbers ascend from head to tail, with few gaps: an item that could not be read leaves one, and one that two grids had,
 * and the other has taken. So the head is found by its number: to ask a `Map` for its first key again and again would cost as much as had been taken from it.
 */
import type { BaseMap } from '../BaseMap';

export class QueueItems<T> {
  /** Number of the first item. Says nothing when there is none. */
  private head = 0;
  /** One more than the number of the last item. */
  private end = 0;

  /** @param baseMap where they are kept; written by the queue alone */
  constructor(private readonly baseMap: BaseMap<number, T>) {
    baseMap.clear();
  }

  get size(): number {
    return this.baseMap.size;
  }

  /** The item at the head; undefined when there is none. */
  get first(): T | undefined {
    return this.size > 0 ? this.baseMap.get(this.head) : undefined;
  }

  /** Puts an item behind the last one. Gives its number. */
  append(item: T): number {
    const number = this.end;

    this.set(number, item);

    return number;
  }

  has(number: number): boolean {
    return this.baseMap.has(number);
  }

  /** Puts an item in its place. Gives the one that was there. */
  set(number: number, item: T): T | undefined {
    const former = this.baseMap.get(number);

    if (this.size === 0) {
      this.head = number;
      this.end = number + 1;
    } else {
      this.head = Math.min(this.head, number);
      this.end = Math.max(this.end, number + 1);
    }
    this.baseMap.set(number, item);

    return former;
  }

  /** Takes an item away. Gives it. */
  delete(number: number): T | undefined {
    const item = this.baseMap.get(number);

    this.baseMap.delete(number);
    if (this.size > 0) this.shrink();

    return item;
  }

  clear(): void {
    this.baseMap.clear();
  }

  /** Numbers and items from head to tail. What is pushed meanwhile comes too. */
  *entries(): IterableIterator<[number, T]> {
    for (let number = this.head; this.size > 0 && number < this.end; number++) {
      if (this.baseMap.has(number)) yield [number, this.baseMap.get(number) as T];
    }
  }

  private shrink(): void {
    // Bounded: a map of the user's may hold keys that are no items.
    while (this.head < this.end && !this.baseMap.has(this.head)) this.head++;
    while (this.head < this.end && !this.baseMap.has(this.end - 1)) this.end--;
  }
}
