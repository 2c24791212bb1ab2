const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for HTML in which nothing is markup. */
export function escaped(plain: string): string {
  return plain.replace(/[&<>"']/g, (character) => entities[character] ?? character);
}
