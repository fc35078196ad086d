import type { ASTNode } from '@marcbachmann/cel-js'
import equal from 'fast-deep-equal'

/** The current item of a macro, and those of the macros around it. */
interface Scope {
  readonly item: unknown
  readonly around: Scope | undefined
}

/** Evaluates an expression for `self` and, inside macros, for their current items. */
type Run = (self: unknown, scope?: Scope) => unknown

const not = (value: unknown, type: string): never => {
  throw new TypeError(`${JSON.stringify(value)} is no ${type}`)
}
const number = (value: unknown): number =>
  typeof value === 'number' ? value : not(value, 'number')
const text = (value: unknown): string => (typeof value === 'string' ? value : not(value, 'string'))
const truth = (value: unknown): boolean => (typeof value === 'boolean' ? value : not(value, 'bool'))
const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : not(value, 'map')

/** What a macro iterates over: a list's items, a map's keys. */
const itemsOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : Object.keys(record(value))

const field = (value: unknown, name: string): unknown => record(value)[name] ?? not(name, 'field')

const at = (value: unknown, key: unknown): unknown =>
  Array.isArray(value) && typeof key === 'number'
    ? (value[key] ?? not(key, 'index'))
    : field(value, text(key))

/** Lists and maps are equal if their contents are equal. */
const same = (left: unknown, right: unknown): boolean =>
  left === right || (typeof left === 'object' && equal(left, right))

const binary: Readonly<Record<string, (left: Run, right: Run) => Run>> = {
  '&&': (left, right) => (self, scope) => truth(left(self, scope)) && truth(right(self, scope)),
  '||': (left, right) => (self, scope) => truth(left(self, scope)) || truth(right(self, scope)),
  '==': (left, right) => (self, scope) => same(left(self, scope), right(self, scope)),
  '!=': (left, right) => (self, scope) => !same(left(self, scope), right(self, scope)),
}

const methods: Readonly<Record<string, (receiver: unknown, argument: unknown) => unknown>> = {
  contains: (receiver, part) => text(receiver).includes(text(part)),
  split: (receiver, separator) => text(receiver).split(text(separator)),
  startsWith: (receiver, part) => text(receiver).startsWith(text(part)),
  // In code points, as CEL counts.
  size: (receiver) => (typeof receiver === 'string' ? [...receiver] : itemsOf(receiver)).length,
}

const itemAt =
  (depth: number): Run =>
  (_self, scope) =>
    depth === 0 ? scope?.item : itemAt(depth - 1)(_self, scope?.around)

type Holds = (item: unknown) => boolean
const macros: Readonly<Record<string, (items: readonly unknown[], holds: Holds) => unknown>> = {
  all: (items, holds) => items.every(holds),
  exists: (items, holds) => items.some(holds),
  filter: (items, holds) => items.filter(holds),
}

/**
 * Compiles a parsed CEL expression to nested functions. The library's interpreter resolves the function
 * of each call anew each time, by the types of its arguments, which took a tenth of an admission. Only
 * what our rules use is supported; `items` are the variables of the macros around it, the innermost
 * first. A value of the wrong type throws, as in CEL. Unlike in CEL, the right side of `||` never makes up
 * for an error on the left.
 *
 * @throws if the expression is of a form that no rule has used; crds/schema/cel.ts falls back to the library.
 */
export function closureOf(node: ASTNode, items: readonly string[] = []): Run {
  const inside = (inner: ASTNode): Run => closureOf(inner, items)
  switch (node.op) {
    case 'value': {
      const value = typeof node.args === 'bigint' ? Number(node.args) : node.args
      return () => value
    }
    case 'id':
      if (node.args === 'self') return (self) => self
      if (items.includes(node.args)) return itemAt(items.indexOf(node.args))
      // The only type with the same name in JavaScript's typeof and in CEL.
      if (node.args === 'string') return () => 'string'
      break
    case '!_': {
      const negated = inside(node.args)
      return (self, scope) => !truth(negated(self, scope))
    }
    case '.': {
      const of = inside(node.args[0])
      const name = node.args[1]
      return (self, scope) => field(of(self, scope), name)
    }
    case '[]': {
      const [of, key] = node.args.map(inside) as [Run, Run]
      return (self, scope) => at(of(self, scope), key(self, scope))
    }
    case 'list': {
      const items = node.args.map(inside)
      return (self, scope) => items.map((run) => run(self, scope))
    }
    case 'call': {
      const [name, [argument]] = node.args
      if (name === 'has' && argument?.op === '.') {
        const of = inside(argument.args[0])
        const key = argument.args[1]
        return (self, scope) => record(of(self, scope))[key] !== undefined
      }
      if (name === 'type' && argument) {
        const value = inside(argument)
        return (self, scope) => typeof value(self, scope)
      }
      break
    }
    case 'rcall': {
      const [name, of, [first, second, ...others]] = node.args
      const receiver = inside(of)
      if (others.length) break
      if (name === 'matches' && first?.op === 'value') {
        const pattern = new RegExp(text(first.args))
        return (self, scope) => pattern.test(text(receiver(self, scope)))
      }
      const macro = macros[name]
      if (macro && first?.op === 'id' && second) {
        const holds = closureOf(second, [first.args, ...items])
        return (self, around) =>
          macro(itemsOf(receiver(self, around)), (item) => truth(holds(self, { item, around })))
      }
      // The library's methods may take more arguments; these take at most one.
      const method = second ? undefined : methods[name]
      const argument = first ? inside(first) : () => undefined
      if (method) return (self, scope) => method(receiver(self, scope), argument(self, scope))
      break
    }
    default: {
      const operator = binary[node.op]
      const [left, right] = node.args as readonly ASTNode[]
      if (operator && left && right) return operator(inside(left), inside(right))
      // CEL orders strings differently from JavaScript, so only numbers are compared here.
      if (node.op === '<=' && left && right?.op === 'value' && typeof right.args === 'bigint') {
        const value = inside(left)
        const limit = Number(right.args)
        return (self, scope) => number(value(self, scope)) <= limit
      }
    }
  }
  throw new Error(`no rule had ${node.op} so far: ${node.input.slice(node.start, node.end)}`)
}
