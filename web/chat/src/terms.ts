/** Blocked terms as a moderator writes them: one a line, blank lines and repetitions left out. */
export function termsIn(text: string): string[] {
  const terms = text.split("\n").map((line) => line.trim());
  return [...new Set(terms.filter((term) => term !== ""))];
}
