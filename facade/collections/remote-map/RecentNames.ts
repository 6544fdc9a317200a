/** The names that came last. In two generations: names are forgotten together, which costs nothing. */
export class RecentNames {
  private recent = new Set<string>();
  private older = new Set<string>();

  /** @param least so many are known at least, and twice as many at most */
  constructor(private readonly least: number) {}

  /** @returns whether the name is new */
  add(name: string): boolean {
    if (this.recent.has(name) || this.older.has(name)) return false;
    if (this.recent.size === this.least) {
      this.older = this.recent;
      this.recent = new Set();
    }
    this.recent.add(name);

    return true;
  }
}
