import './styles/tokens.css'
import './styles/base.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { at } from './net/base'
import { keys } from './shell/keys.svelte'
import { router } from './shell/router.svelte'
import { server } from './state/server.svelte'
import { inbox } from './state/inbox.svelte'
import { letters } from './state/letters.svelte'
import { notifier } from './state/notifier.svelte'
import { fleet } from './state/fleet.svelte'
import { connection } from './net/connection.svelte'
import { fetchAll } from './net/late'
import { openSocket } from './net/socket'
import { theme } from './shell/theme.svelte'
import { clock } from './ui/time.svelte'
import { trouble } from './state/trouble.svelte'
import { vocabulary } from './state/vocabulary.svelte'

// It stands in the document from where the page was opened; the browser would look for it from where it goes on to.
const icon = document.querySelector<HTMLLinkElement>('link[rel=icon]')
if (icon) icon.href = at('/favicon.svg')

theme.apply()
router.start()
keys.start()
clock.start()
fleet.start()
void openSocket()
void vocabulary.start()
server.start()
trouble.start()
inbox.start()
letters.start()
notifier.start()

const target = document.getElementById('app')
if (target) {
  target.replaceChildren()
  mount(App, { target })
}

/** What is shown comes first. */
const REST_AFTER_MS = 1_000
setTimeout(() => {
  void fetchAll(() => connection.up && fleet.loaded).then(() => (document.documentElement.dataset.whole = ''))
}, REST_AFTER_MS)
