// Lays a file.br and a file.gz beside each file of the page, where that is smaller: served by
// Accept-Encoding. Compressed once, here, as well as can be.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const ASSETS = join(import.meta.dirname, 'dist', 'assets')
const KINDS = {
  br: (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }),
  gz: (bytes) => gzipSync(bytes, { level: 9 }),
}

for (const name of readdirSync(ASSETS)) {
  const bytes = readFileSync(join(ASSETS, name))
  for (const [ending, compress] of Object.entries(KINDS)) {
    const small = compress(bytes)
    if (small.length < bytes.length) writeFileSync(join(ASSETS, `${name}.${ending}`), small)
  }
}
