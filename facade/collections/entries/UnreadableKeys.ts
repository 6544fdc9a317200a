/**
 * The keys whose values the grid has and this peer's codec cannot read: a mirror shows nothing under them, but they are
 * not free.
 */
export class UnreadableKeys {
  private readonly keys = new Set<string>();

  has(key: Uint8Array): boolean {
    return this.keys.size > 0 && this.keys.has(text(key));
  }

  add(key: Uint8Array): void {
    this.keys.add(text(key));
  }

  delete(key: Uint8Array): void {
    if (this.keys.size > 0) this.keys.delete(text(key));
  }

  clear(): void {
    this.keys.clear();
  }
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
