/** The names that came last. */
export class RecentNames {
  private readonly names = new Set<string>();

  /** @param most of more than these, the oldest are forgotten */
  constructor(private readonly most: number) {}

  /** @returns whether the name is new */
  add(name: string): boolean {
    const { names, most } = this;

    if (names.has(name)) return false;
    names.add(name);
    if (names.size > most) names.delete(names.values().next().value as string);

    return true;
  }
}
