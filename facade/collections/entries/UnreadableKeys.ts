/**
 * The keys whose values the grid has and this peer's codec cannot read: a mirror shows nothing under them, but they are
 * not free.
 */
import { keyText } from './keyText';

export class UnreadableKeys {
  private readonly keys = new Set<string>();

  has(key: Uint8Array): boolean {
    return this.keys.size > 0 && this.keys.has(keyText(key));
  }

  add(key: Uint8Array): void {
    this.keys.add(keyText(key));
  }

  delete(key: Uint8Array): void {
    if (this.keys.size > 0) this.keys.delete(keyText(key));
  }

  clear(): void {
    this.keys.clear();
  }
}
