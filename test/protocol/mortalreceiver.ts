import '../../server/progress/receiverthread.ts'

/** The program of the receiver's thread, with a bug that appears when it is called for. */
new BroadcastChannel('mortal receiver').onmessage = (event) => {
  const { data } = event as { readonly data: 'throw' | 'hang' }
  if (data === 'throw') throw new Error('a bug')
  for (;;);
}
