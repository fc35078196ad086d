/**
 * Counts the requests without a conversation, for each name of its own: replicas that are equally idle take
 * turns. One count for all would send every embedding of a program that also chats to the same replica.
 */
export function turnsByModel() {
  const turns = new Map<string, number>()
  return {
    next: (namespace: string, model: string): number => {
      const key = `${namespace}/${model}`
      const turn = turns.get(key) ?? 0
      turns.set(key, turn + 1)
      return turn
    },
    forget: (isGone: (namespace: string, model: string) => boolean): void => {
      for (const key of turns.keys()) {
        const at = key.indexOf('/')
        if (isGone(key.slice(0, at), key.slice(at + 1))) turns.delete(key)
      }
    },
  }
}
