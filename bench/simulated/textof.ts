import { request } from 'node:https'

/** The body of an answer over TLS. */
export const textOf = (url: string, ca: Buffer): Promise<string> =>
  new Promise((resolve, reject) => {
    const sent = request(url, { ca, agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      answer.on('end', () => resolve(text))
    })
    sent.on('error', reject)
    sent.end()
  })
