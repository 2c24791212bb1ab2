/** The most characters that a name has in DNS (RFC 1035, section 2.3.4: 255 octets, with the lengths and the root; DNS-10). */
export const longestName = 253;

/** A name as names are compared: in lower case, without the closing dot. The root is the empty text. */
export function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}

/** A name with its closing dot, as zone files have it (DNS-9). */
export function absolute(name: string): string {
  return `${name}.`;
}

/** A name, then all that it lies below, up to its top-level domain; the root is left out. */
export function upwards(name: string): string[] {
  const labels = name === "" ? [] : name.split(".");
  return labels.map((_, index) => labels.slice(index).join("."));
}

/** Whether a name is another, or lies below it. Every name lies below the root. */
export function isWithin(name: string, top: string): boolean {
  return top === "" || name === top || name.endsWith(`.${top}`);
}

/** Whether a name can be asked for at all (DNS-10). */
export function canBeAsked(name: string): boolean {
  return name.length <= longestName && name.split(".").every((label) => label.length > 0 && label.length <= 63);
}
