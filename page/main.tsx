import { render } from 'preact'
import { takeToken } from './api.ts'
import { App } from './app.tsx'

takeToken()
// The address of another start, entered in this tab, differs only in its fragment, so nothing is loaded anew.
addEventListener('hashchange', () => {
  if (takeToken()) location.reload()
})
render(<App />, document.body)
