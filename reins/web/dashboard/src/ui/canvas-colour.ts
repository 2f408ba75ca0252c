/** A colour token as a canvas takes it, which knows neither custom properties nor light-dark(): the browser resolves them at an element that the canvas is in. */
export function canvasColour(at: HTMLElement | undefined, token: string): string {
  if (!at) return ''
  at.style.color = `var(--${token})`
  return getComputedStyle(at).color
}
