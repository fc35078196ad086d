import type { ASTNode } from '@marcbachmann/cel-js'
import equal from 'fast-deep-equal'

/** Evaluates an expression for `self` and, inside a macro, for the current item. */
type Run = (self: unknown, item?: unknown) => unknown

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
  '&&': (left, right) => (self, item) => truth(left(self, item)) && truth(right(self, item)),
  '||': (left, right) => (self, item) => truth(left(self, item)) || truth(right(self, item)),
  '==': (left, right) => (self, item) => same(left(self, item), right(self, item)),
  '!=': (left, right) => (self, item) => !same(left(self, item), right(self, item)),
}

const methods: Readonly<Record<string, (receiver: unknown, argument: unknown) => unknown>> = {
  contains: (receiver, part) => text(receiver).includes(text(part)),
  split: (receiver, separator) => text(receiver).split(text(separator)),
  startsWith: (receiver, part) => text(receiver).startsWith(text(part)),
  // In code points, as CEL counts.
  size: (receiver) => (typeof receiver === 'string' ? [...receiver] : itemsOf(receiver)).length,
}

type Holds = (item: unknown) => boolean
const macros: Readonly<Record<string, (items: readonly unknown[], holds: Holds) => unknown>> = {
  all: (items, holds) => items.every(holds),
  exists: (items, holds) => items.some(holds),
  filter: (items, holds) => items.filter(holds),
}

/**
 * Compiles a parsed CEL expression to nested functions. The library's interpreter resolves the function
 * of each call anew each time, by the types of its arguments, which took a tenth of an admission. Only
 * what our rules use is supported; `macroItem` is the variable of the enclosing macro. A value of the
 * wrong type throws, as in CEL. Unlike in CEL, the right side of `||` never makes up for an error on the
 * left.
 *
 * @throws if the expression is of a form that no rule has used; crds/schema/cel.ts falls back to the library.
 */
export function closureOf(node: ASTNode, macroItem?: string): Run {
  const inside = (inner: ASTNode): Run => closureOf(inner, macroItem)
  switch (node.op) {
    case 'value': {
      const value = typeof node.args === 'bigint' ? Number(node.args) : node.args
      return () => value
    }
    case 'id':
      if (node.args === 'self') return (self) => self
      if (node.args === macroItem) return (_self, item) => item
      // The only type with the same name in JavaScript's typeof and in CEL.
      if (node.args === 'string') return () => 'string'
      break
    case '!_': {
      const negated = inside(node.args)
      return (self, item) => !truth(negated(self, item))
    }
    case '.': {
      const of = inside(node.args[0])
      const name = node.args[1]
      return (self, item) => field(of(self, item), name)
    }
    case '[]': {
      const [of, key] = node.args.map(inside) as [Run, Run]
      return (self, item) => at(of(self, item), key(self, item))
    }
    case 'list': {
      const items = node.args.map(inside)
      return (self, item) => items.map((run) => run(self, item))
    }
    case 'call': {
      const [name, [argument]] = node.args
      if (name === 'has' && argument?.op === '.') {
        const of = inside(argument.args[0])
        const key = argument.args[1]
        return (self, item) => record(of(self, item))[key] !== undefined
      }
      if (name === 'type' && argument) {
        const value = inside(argument)
        return (self, item) => typeof value(self, item)
      }
      break
    }
    case 'rcall': {
      const [name, of, [first, second, ...others]] = node.args
      const receiver = inside(of)
      if (others.length) break
      if (name === 'matches' && first?.op === 'value') {
        const pattern = new RegExp(text(first.args))
        return (self, item) => pattern.test(text(receiver(self, item)))
      }
      const macro = macros[name]
      if (macro && first?.op === 'id' && second) {
        const holds = closureOf(second, first.args)
        return (self, item) =>
          macro(itemsOf(receiver(self, item)), (one) => truth(holds(self, one)))
      }
      // The library's methods may take more arguments; these take at most one.
      const method = second ? undefined : methods[name]
      const argument = first ? inside(first) : () => undefined
      if (method) return (self, item) => method(receiver(self, item), argument(self, item))
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
        return (self, item) => number(value(self, item)) <= limit
      }
    }
  }
  throw new Error(`no rule had ${node.op} so far: ${node.input.slice(node.start, node.end)}`)
}
