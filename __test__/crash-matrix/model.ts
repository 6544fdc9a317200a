/** What an operation does to a map of strings, and what the store says of it: the rules that a round is held against. */
import type { Operation } from './history';

export type Content = Map<string, string>;

/** Carries it out on `content`. Gives the store's result, in the form in which it is written down. */
export function carryOut(operation: Operation, content: Content): unknown {
  const { key = '', value = '', oldValue, keys = [], entries = [] } = operation;
  const existing = content.get(key);

  switch (operation.method) {
    case 'set':
      content.set(key, value);

      return existing;
    case 'insert':
      if (existing === undefined) content.set(key, value);

      return existing;
    case 'updateIf':
      if (existing !== oldValue) return false;
      content.set(key, value);

      return true;
    case 'setAll': {
      const inserted = entries.filter(([name]) => !content.has(name));
      const updated = entries.filter(([name]) => content.has(name)).map(([name, to]) => [name, content.get(name), to]);

      for (const [name, to] of entries) content.set(name, to);

      return { inserted, updated };
    }
    case 'removeAll': {
      const removed = keys.filter((name) => content.has(name)).map((name) => [name, content.get(name)]);

      for (const name of keys) content.delete(name);

      return removed;
    }
  }
}

/** Whether two results say the same. */
export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** The values that a call or an operation sets. */
export function valuesOf({ value, entries }: Pick<Operation, 'value' | 'entries'>): string[] {
  return entries ? entries.map(([, to]) => to) : value === undefined ? [] : [value];
}

/** The process that has made a value, and the number of its call. */
export function makerOf(value: string): { peer: string; number: number } {
  const [peer = '', number] = value.split('/');

  return { peer, number: Number.parseInt(`${number}`, 10) };
}
