/** Markdown as a tree of our own elements: nothing that a text holds becomes HTML, and no element is not in the list. */

import MarkdownIt from 'markdown-it'

export type Element =
  | 'p' | 'h' | 'ul' | 'ol' | 'li' | 'quote' | 'rule' | 'table' | 'thead' | 'tbody' | 'tr' | 'th' | 'td'
  | 'strong' | 'em' | 's'

export type Node =
  | { kind: 'text'; text: string }
  | { kind: 'break' }
  | { kind: 'code'; text: string }
  | { kind: 'fence'; text: string; language: string }
  | { kind: 'link'; href: string; children: Node[]; isHere?: boolean }
  | { kind: 'element'; element: Element; level: number; start: number; children: Node[]; id?: string }

const parser = new MarkdownIt({ html: false, linkify: false, breaks: false, maxNesting: 40 })
/** A picture would be asked of another host; its words and its address stand in its place. */
const ELEMENTS: Record<string, Element> = {
  paragraph: 'p', heading: 'h', bullet_list: 'ul', ordered_list: 'ol', list_item: 'li', blockquote: 'quote',
  table: 'table', thead: 'thead', tbody: 'tbody', tr: 'tr', th: 'th', td: 'td', strong: 'strong', em: 'em', s: 's',
}
/** So much is read; what comes after it is said to be left out. */
const MOST_CHARS = 100_000

type Token = ReturnType<typeof parser.parse>[number]

export function treeOf(text: string, most = MOST_CHARS): Node[] {
  const cut = text.length > most
  const nodes = built(parser.parse(cut ? text.slice(0, most) : text, {}))
  const note = `${text.length - most} more characters are not shown here.`
  return cut ? [...nodes, { kind: 'element', element: 'p', level: 0, start: 1, children: [{ kind: 'text', text: note }] }] : nodes
}

/** One of our own documents, whole: its headings have the names that links give them, and `pathOf` says where those lead. */
export function documentOf(text: string, pathOf: (href: string) => string): Node[] {
  const taken = new Map<string, number>()
  const follow = (nodes: Node[]): Node[] =>
    nodes.map((node): Node => {
      if (!('children' in node)) return node
      const children = follow(node.children)
      if (node.kind === 'link') {
        const here = pathOf(node.href)
        return here ? { ...node, href: here, isHere: true, children } : { ...node, children }
      }
      return node.element === 'h' ? { ...node, id: idOf(textOf(children), taken), children } : { ...node, children }
    })
  return follow(treeOf(text, Infinity))
}

const textOf = (nodes: Node[]): string =>
  nodes.map((node) => ('text' in node ? node.text : 'children' in node ? textOf(node.children) : '')).join('')

/** As the common renderers of such documents make it. */
function idOf(heading: string, taken: Map<string, number>): string {
  const plain = heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').trim().replaceAll(' ', '-')
  const before = taken.get(plain) ?? 0
  taken.set(plain, before + 1)
  return before > 0 ? `${plain}-${before}` : plain
}

function built(tokens: Token[]): Node[] {
  const root: Node[] = []
  const open: Node[][] = [root]
  for (const token of tokens) {
    const into = open.at(-1) ?? root
    if (token.nesting === -1) {
      if (open.length > 1) open.pop()
    } else if (token.nesting === 1) {
      const made = opened(token)
      into.push(made)
      open.push('children' in made ? made.children : [])
    } else into.push(...leaves(token))
  }
  return root
}

function opened(token: Token): Node {
  const name = token.type.replace(/_open$/, '')
  if (name === 'link') return { kind: 'link', href: String(token.attrGet('href') ?? ''), children: [] }
  // Lines of a tight list are paragraphs that are not to be seen.
  const element = token.hidden ? undefined : ELEMENTS[name]
  const level = name === 'heading' ? Number(token.tag.slice(1)) : 0
  return { kind: 'element', element: element ?? 'p', level: token.hidden ? -1 : level, start: Number(token.attrGet('start') ?? 1), children: [] }
}

function leaves(token: Token): Node[] {
  switch (token.type) {
    case 'inline':
      return built(token.children ?? [])
    case 'text':
    case 'html_inline':
    case 'html_block':
      return token.content ? [{ kind: 'text', text: token.content }] : []
    case 'softbreak':
      return [{ kind: 'text', text: '\n' }]
    case 'hardbreak':
      return [{ kind: 'break' }]
    case 'code_inline':
      return [{ kind: 'code', text: token.content }]
    case 'fence':
    case 'code_block':
      return [{ kind: 'fence', text: token.content.replace(/\n$/, ''), language: token.info.trim().split(/\s+/)[0] ?? '' }]
    case 'hr':
      return [{ kind: 'element', element: 'rule', level: 0, start: 1, children: [] }]
    case 'image': {
      const address = String(token.attrGet('src') ?? '')
      return [{ kind: 'link', href: address, children: [{ kind: 'text', text: `picture: ${token.content || address}` }] }]
    }
    default:
      return token.content ? [{ kind: 'text', text: token.content }] : []
  }
}

/** The address of a link that may be followed; empty for any other scheme, and for what is relative: it means another place. */
export function linkOf(href: string): string {
  try {
    const url = new URL(href)
    return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : ''
  } catch {
    return ''
  }
}
