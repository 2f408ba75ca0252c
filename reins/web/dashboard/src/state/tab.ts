/** The browser's tab: how many matters need a person stands in its title and on its icon, whichever page is open. */

import { at } from '../net/base'

/** What turns the direction of text would turn the tab's. */
const TURNING = /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu
const MOST = 9
let shown = -1

/** `needs`: how many matters; 0 shows the plain icon. */
export function showInTab(title: string, needs: number): void {
  document.title = `${needs > 0 ? `(${needs}) ` : ''}${title.replaceAll(TURNING, '')} · Reins`
  if (needs === shown) return
  shown = needs
  const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]')
  if (icon) icon.href = needs > 0 ? badged(needs > MOST ? `${MOST}+` : String(needs)) : at('/favicon.svg')
}

/** The icon with a badge. A picture knows no tokens; these are those of the icon, and of "failed" in the light theme. */
function badged(text: string): string {
  const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
    <rect width="32" height="32" rx="7" fill="#1d1e22"/>
    <path d="M8 7c0 10 5 9 8 16M24 7c0 10-5 9-8 16" fill="none" stroke="#f4f2ec" stroke-width="2.6" stroke-linecap="round"/>
    <circle cx="21" cy="11" r="11" fill="#b3261e"/>
    <text x="21" y="16.5" font-family="sans-serif" font-size="${text.length > 1 ? 13 : 16}" font-weight="700" fill="#fff" text-anchor="middle">${text}</text>
  </svg>`
  return `data:image/svg+xml,${encodeURIComponent(picture)}`
}
