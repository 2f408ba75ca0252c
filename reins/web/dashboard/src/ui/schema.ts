/** Reads a JSON schema as a list of form fields. */

import type { FieldProblem, Json, JsonSchema } from '../net/wire'

/** A text that may be longer than this gets a field of several lines. */
const LINE_CHARS = 500

export interface Field {
  name: string
  label: string
  kind: 'string' | 'text' | 'number' | 'integer' | 'boolean' | 'enum' | 'object' | 'lines' | 'json'
  schema: JsonSchema
  required: boolean
  nullable: boolean
  /** The default; undefined where there is none. */
  fallback: Json | undefined
  options: Json[]
}

/** `leading`: names of fields that come before all others, in this order. */
export function fieldsOf(schema: JsonSchema, root: JsonSchema, leading: readonly string[] = []): Field[] {
  const { properties, required: names } = resolved(schema, root)
  const required = new Set(names)
  const fields = Object.entries(properties ?? {}).map(([name, raw]): Field => {
    const { schema: inner, nullable } = unwrapped(raw, root)
    return {
      name,
      label: words(name),
      kind: kindOf(inner),
      schema: inner,
      required: required.has(name),
      nullable,
      fallback: raw.default,
      options: inner.enum ?? (inner.const === undefined ? [] : [inner.const]),
    }
  })
  const placeOf = ({ name }: Field): number => (leading.includes(name) ? leading.indexOf(name) : leading.length)
  return fields.sort((a, b) => placeOf(a) - placeOf(b) || rankOf(a) - rankOf(b))
}

/** One of the shapes that the value of `tag` chooses between. */
interface Variant {
  name: string
  schema: JsonSchema
}

/** The shapes of a discriminated union, with the field that tells them apart; null for any other schema. */
export function variantsOf(schema: JsonSchema): { tag: string; variants: Variant[] } | null {
  const tag = schema.discriminator?.propertyName
  if (!tag || !schema.oneOf) return null
  const variants = schema.oneOf.flatMap((each): Variant[] => {
    const shape = resolved(each, schema)
    const name = shape.properties?.[tag]?.const
    return typeof name === 'string' ? [{ name, schema: shape }] : []
  })
  return { tag, variants }
}

/** Required fields come first, those that few set last. */
const rankOf = ({ required, nullable }: Field): number => (required ? 0 : nullable ? 2 : 1)

function resolved(schema: JsonSchema, root: JsonSchema): JsonSchema {
  const name = schema.$ref?.split('/').at(-1)
  const target = name === undefined ? undefined : root.$defs?.[name]
  return target ? { ...target, ...schema, $ref: undefined } : schema
}

/** `X | null` is X, left empty for null; what surrounds a `$ref` (its description) is kept. */
function unwrapped(raw: JsonSchema, root: JsonSchema): { schema: JsonSchema; nullable: boolean } {
  const variants = raw.anyOf ?? raw.allOf ?? []
  const real = variants.filter((each) => each.type !== 'null')
  const only = real.length === 1 ? real[0] : undefined
  const { anyOf: _any, allOf: _all, ...around } = raw
  const schema = only ? { ...resolved(only, root), ...around } : resolved(raw, root)
  return { schema, nullable: real.length < variants.length }
}

function kindOf(schema: JsonSchema): Field['kind'] {
  if (schema.enum || schema.const !== undefined) return 'enum'
  if (schema.type === 'object' && schema.properties) return 'object'
  if (schema.type === 'string' && (schema.maxLength ?? 0) > LINE_CHARS && schema.format !== 'path') return 'text'
  if (schema.type === 'string' || schema.type === 'number' || schema.type === 'integer' || schema.type === 'boolean') return schema.type
  if (schema.type === 'array' && schema.items?.type === 'string' && !schema.items.enum) return 'lines'
  return 'json'
}

/** "heartbeat_s" reads as "heartbeat (s)": a unit stands at the end of a name. */
export const words = (name: string): string =>
  name.replace(/_(s|ms|bytes|tokens|usd)$/, ' ($1)').replaceAll('_', ' ').replace(/^./, (first) => first.toUpperCase())

export function hintOf({ schema, kind, nullable, fallback }: Field): string {
  const parts: string[] = []
  if (schema.description) parts.push(sentence(schema.description))
  const low = schema.minimum ?? schema.exclusiveMinimum
  const most = schema.maximum ?? schema.exclusiveMaximum
  // As much as a number can be says nothing to a person.
  const high = most !== undefined && most > Number.MAX_SAFE_INTEGER ? undefined : most
  if (low !== undefined && high !== undefined) parts.push(`${low} to ${high}.`)
  else if (low !== undefined) parts.push(`At least ${low}.`)
  else if (high !== undefined) parts.push(`At most ${high}.`)
  if ((kind === 'string' || kind === 'text') && schema.maxLength !== undefined) parts.push(`Up to ${schema.maxLength} characters.`)
  if (kind === 'lines') parts.push('One a line.')
  if (Array.isArray(fallback) && fallback.length > 0) parts.push(`Empty: ${fallback.join(', ')}.`)
  if (fallback === null && nullable) parts.push('Empty: the default.')
  else if ((typeof fallback === 'string' && fallback !== '') || typeof fallback === 'number') parts.push(`Empty: ${fallback}.`)
  return parts.join(' ')
}

const sentence = (text: string): string => text.replace(/^./u, (first) => first.toUpperCase()).replace(/[^.!?]$/u, (last) => `${last}.`)

/** A problem's place ("body.config.subject", "/config/subject") ends with the path of its field. */
const pathOf = (where: string): string => where.replaceAll(/[/[\]]+/g, '.').replaceAll(/^\.+|\.+$/g, '')

export const problemAt = (problems: FieldProblem[], path: string): string =>
  problems
    .filter(({ where }) => pathOf(where) === path || pathOf(where).endsWith(`.${path}`))
    .map(({ what }) => what)
    .join(' ')

/** Problems that no field of these names shows. */
export const unplaced = (problems: FieldProblem[], names: string[]): FieldProblem[] =>
  problems.filter(({ where }) => !pathOf(where).split('.').some((part) => names.includes(part)))
