/** Resolves to the response, or to undefined if it takes longer. */
export async function orLate<T>(request: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), Math.max(0, milliseconds))
  })
  return Promise.race([request, late]).finally(() => clearTimeout(timer))
}
