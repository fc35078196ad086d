/**
 * The kubelet replaces `$(NAME)` in a container's command, arguments and variables, and makes `$$` a
 * single `$`. Text with its dollars doubled arrives as it was written.
 * https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
export const unexpanded = (text: string): string =>
  text.includes('$') ? text.replaceAll(/\$+(?=\()|\${2,}/g, (found) => found + found) : text
