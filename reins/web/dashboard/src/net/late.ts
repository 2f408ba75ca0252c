/**
 * The parts of the page that come after its first load: when they are needed, or else one after the
 * other while nothing else is to be done, so that the whole page is there once its server is not.
 */

type Fetch = () => Promise<unknown>

const IDLE_WITHIN_MS = 2_000
const AGAIN_AFTER_MS = 3_000

const parts: Fetch[] = []
const here = new Set<Fetch>()

/** A part by the function that fetches it; called again, it is the same one. */
export function late<Part>(load: () => Promise<Part>): () => Promise<Part> {
  const get = async (): Promise<Part> => {
    const part = await load()
    here.add(get)
    return part
  }
  parts.push(get)
  return get
}

/** Needs no server any more. */
export const isHere = (part: Fetch): boolean => here.has(part)

/**
 * Fetches all of them, those too that are named by a part that has just come, while `reachable`. A
 * browser may keep in mind that a part could not be fetched: so none is asked for in vain.
 */
export async function fetchAll(reachable: () => boolean): Promise<void> {
  for (let part = parts[0]; part; part = parts.find((each) => !here.has(each))) {
    await idle()
    if (!reachable()) await after(AGAIN_AFTER_MS)
    else await part().catch(() => after(AGAIN_AFTER_MS))
  }
}

const after = (wait_ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, wait_ms))

/** Not every browser tells when it has nothing to do. */
const idle = (): Promise<unknown> =>
  'requestIdleCallback' in globalThis ? new Promise((resolve) => requestIdleCallback(resolve, { timeout: IDLE_WITHIN_MS })) : after(0)
