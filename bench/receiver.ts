import { answerParent, benchReceiver } from './receiving.ts'

/** Our receiver of reports without our server: the same load for the machine, while the bare route is measured. */
const receiver = await benchReceiver()
answerParent({ progress: receiver.port }, receiver)
