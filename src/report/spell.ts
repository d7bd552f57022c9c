/** A label as people read it: `No Finding`. */
export function spell(label: string): string {
  return label.replaceAll('_', ' ');
}
