import './styles/tokens.css'
import './styles/base.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { keys } from './lib/keys.svelte'
import { router } from './lib/router.svelte'
import { server } from './lib/server.svelte'
import { fleet } from './lib/sessions.svelte'
import { openSocket } from './lib/socket'
import { theme } from './lib/theme.svelte'
import { clock } from './lib/time.svelte'
import { trouble } from './lib/trouble.svelte'

theme.apply()
router.start()
keys.start()
clock.start()
openSocket()
fleet.start()
server.start()
trouble.start()

const target = document.getElementById('app')
if (target) mount(App, { target })
