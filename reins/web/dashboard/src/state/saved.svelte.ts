/** The saved views, searches and templates, which all who open the page share. */

import { api, asProblem, type ApiProblem } from '../net/api'
import type { Saved } from '../net/wire'

class SavedThings {
  all = $state.raw<Saved[]>([])
  problem = $state.raw<ApiProblem | null>(null)

  readonly views = $derived(this.all.filter(({ kind }) => kind === 'view'))
  readonly searches = $derived(this.all.filter(({ kind }) => kind === 'search'))
  readonly templates = $derived(this.all.filter(({ kind }) => kind === 'template'))

  async load(): Promise<void> {
    try {
      this.all = await api.saved()
      this.problem = null
    } catch (error) {
      this.problem = asProblem(error)
    }
  }
}

export const saved = new SavedThings()
