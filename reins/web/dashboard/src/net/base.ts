/** Where Reins is reached: a proxy may have put a path before its own. */

/** The folder above that of the assets, of which this file is one; it ends with a slash. */
const files = import.meta.url
export const base = new URL('../', files).pathname

/** The address of a path of ours, such as "/queue". */
export const at = (path: string): string => base + path.slice(1)

/** The path of ours at an address; one that is not under `base` stands for itself. */
export function pathAt(pathname: string): string {
  if (`${pathname}/` === base) return '/'
  return pathname.startsWith(base) ? `/${pathname.slice(base.length)}` : pathname
}
