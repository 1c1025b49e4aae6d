/** Scripts with which shells complete the command line of `pcloud`. */
import type { CompletionNode, Word } from './tree.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

export function writeCompletion(shell: Shell, tree: readonly CompletionNode[]): string {
  return { bash: writeBash, zsh: writeZsh, fish: writeFish }[shell](tree);
}

/** The words so far that are no options are the path; options come once a dash is typed. */
function writeBash(tree: readonly CompletionNode[]): string {
  return `_pcloud() {
  local current=\${COMP_WORDS[COMP_CWORD]} path= word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in -*) ;; *) path="$path\${path:+ }$word" ;; esac
  done
  local commands= options=
  case $path in
${tree.map(bashCase).join('\n')}
  esac
  case $current in
  -*) COMPREPLY=($(compgen -W "$options" -- "$current")) ;;
  *) COMPREPLY=($(compgen -W "$commands" -- "$current")) ;;
  esac
  [ \${#COMPREPLY[@]} -gt 0 ] || compopt -o default 2>/dev/null
}
complete -F _pcloud pcloud
`;
}

function bashCase({ path, commands, options }: CompletionNode): string {
  // Behind the last word of a path come arguments, which only its options are completed among.
  const pattern = path === '' ? '""' : commands.length > 0 ? `"${path}"` : `"${path}" | "${path} "*`;
  return `  ${pattern}) commands="${words(commands)}" options="${words(options)}" ;;`;
}

function writeZsh(tree: readonly CompletionNode[]): string {
  return `#compdef pcloud
_pcloud() {
  local path= word
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case $word in -*) ;; *) path="$path\${path:+ }$word" ;; esac
  done
  local -a commands options
  case $path in
${tree.map(zshCase).join('\n')}
  esac
  if [[ $PREFIX == -* ]]; then _describe option options
  elif (( \${#commands} )); then _describe command commands
  else _files
  fi
}
compdef _pcloud pcloud
`;
}

function zshCase({ path, commands, options }: CompletionNode): string {
  const pattern = path === '' ? "''" : commands.length > 0 ? `'${path}'` : `'${path}'|'${path} '*`;
  return `  ${pattern}) commands=(${described(commands)}); options=(${described(options)}) ;;`;
}

function described(list: readonly Word[]): string {
  return list.map(({ word, description }) => quote(`${word}:${description.replaceAll(':', '\\:')}`)).join(' ');
}

function writeFish(tree: readonly CompletionNode[]): string {
  const lines = tree.flatMap(({ path, commands, options }) => {
    const condition = quote(`__pcloud_at ${quote(path)}`);
    return [
      ...commands.map((each) => `complete -c pcloud -f -n ${condition} -a ${each.word} -d ${quote(each.description)}`),
      ...options.map(
        (each) => `complete -c pcloud -n ${condition} -l ${each.word.slice(2)} -d ${quote(each.description)}`,
      ),
    ];
  });
  return `function __pcloud_at
  set -l path (string match -v -- '-*' (commandline -opc)[2..])
  test "$path" = "$argv[1]"
end
${lines.join('\n')}
`;
}

function words(list: readonly Word[]): string {
  return list.map(({ word }) => word).join(' ');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
