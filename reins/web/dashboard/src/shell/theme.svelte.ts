/** Light, dark, or as the system has it. */

const KEY = 'reins.theme'
const THEMES = ['auto', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

class ThemeChoice {
  #theme = $state<Theme>(THEMES.find((each) => each === localStorage.getItem(KEY)) ?? 'auto')

  get current(): Theme {
    return this.#theme
  }

  apply(): void {
    document.documentElement.dataset.theme = this.#theme
  }

  next(): void {
    this.#theme = THEMES[(THEMES.indexOf(this.#theme) + 1) % THEMES.length] ?? 'auto'
    localStorage.setItem(KEY, this.#theme)
    this.apply()
  }
}

export const theme = new ThemeChoice()
