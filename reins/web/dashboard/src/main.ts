import './styles/tokens.css'
import './styles/base.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { keys } from './shell/keys.svelte'
import { router } from './shell/router.svelte'
import { server } from './state/server.svelte'
import { fleet } from './state/fleet.svelte'
import { openSocket } from './net/socket'
import { theme } from './shell/theme.svelte'
import { clock } from './ui/time.svelte'
import { trouble } from './state/trouble.svelte'
import { vocabulary } from './state/vocabulary.svelte'

theme.apply()
router.start()
keys.start()
clock.start()
openSocket()
void vocabulary.start()
fleet.start()
server.start()
trouble.start()

const target = document.getElementById('app')
if (target) mount(App, { target })
