import { app } from '../server/app.ts'
import { logger } from '../server/log.ts'
import { aConfig } from '../test/objects.ts'
import { listening } from './listening.ts'
import { answerParent, benchReceiver } from './receiving.ts'

/** Our server, in a process of its own. It logs to /dev/null: only the formatting of lines is measured. */
const receiver = await benchReceiver()
const port = await listening(
  app({
    config: aConfig(),
    log: logger('/dev/null'),
    metrics: receiver.measured,
    progress: receiver.progress,
  }),
)
answerParent({ port, progress: receiver.port }, receiver)
