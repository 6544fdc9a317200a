// Changes in a text, by position.

/** @param edits each with `from`, `to` and the text `by` which that is replaced; they do not overlap */
export function applyEdits(text, edits) {
  return edits
    .toSorted((a, b) => b.from - a.from)
    .reduce((rest, { from, to, by }) => rest.slice(0, from) + by + rest.slice(to), text);
}
