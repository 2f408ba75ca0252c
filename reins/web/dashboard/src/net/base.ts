/** Where Reins is reached: a proxy may have put a path before its own. */

const files = import.meta.url
/** The folder above that of the assets, of which this file is one. Two slashes at its start would name another host. */
export const base = new URL('../', files).pathname.replace(/^\/+/, '/')

/** The address of a path of ours, such as "/queue". */
export const at = (path: string): string => base + path.slice(1)

/** The path of ours at an address; one that is not under `base` stands for itself. */
export function pathAt(pathname: string): string {
  if (`${pathname}/` === base) return '/'
  return pathname.startsWith(base) ? `/${pathname.slice(base.length)}` : pathname
}
