/** Turns any number of changes into one signal per animation frame. */

/**
 * The data itself is changed at once (a hidden page gets no frames, and must not hoard events);
 * only the readers of `version` wait for the next frame.
 */
export class FrameSignal {
  #version = $state(0)
  #asked = false

  /** Read it to be run again after a change. */
  get version(): number {
    return this.#version
  }

  changed(): void {
    if (this.#asked) return
    this.#asked = true
    requestAnimationFrame(() => {
      this.#asked = false
      this.#version += 1
    })
  }
}
