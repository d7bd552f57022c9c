// What a shell loads to complete the words of ccxri. Each script asks `ccxri __complete` and shows the answer
// (src/cli/complete.ts). Words of an answer are added to lists and never evaluated: they may come from a manifest.

import type { Shell } from './shells.ts';

/** bash 3.2 of macOS has neither mapfile nor compopt. */
const BASH = `# bash completion for ccxri
_ccxri() {
  local cur=\${COMP_WORDS[COMP_CWORD]} kind= line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ -z $kind ]]; then kind=$line; else COMPREPLY+=("\${line%%$'\\t'*}"); fi
  done < <(command ccxri __complete bash "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  [[ $kind == files || $kind == dirs ]] || return 0
  [[ $cur == = ]] && cur=
  cur=\${cur/#\\~\\//$HOME/}
  compopt -o filenames 2>/dev/null
  while IFS= read -r line; do
    COMPREPLY+=("$line")
  done < <(if [[ $kind == dirs ]]; then compgen -d -- "$cur"; else compgen -f -- "$cur"; fi)
}
complete -F _ccxri ccxri
`;

const ZSH = `#compdef ccxri
# zsh completion for ccxri
_ccxri() {
  local -a lines found shown
  local line kind
  lines=("\${(@f)$(command ccxri __complete zsh "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  kind=\${lines[1]}
  if [[ $kind == files || $kind == dirs ]]; then
    [[ $PREFIX == --*=* ]] && compset -P '*='
    if [[ $kind == dirs ]]; then _files -/; else _files; fi
    return
  fi
  for line in "\${(@)lines[2,-1]}"; do
    found+=("\${line%%$'\\t'*}")
    if [[ $line == *$'\\t'* ]]; then shown+=("\${line%%$'\\t'*}  -- \${line#*$'\\t'}"); else shown+=("$line"); fi
  done
  (( \${#found} )) || return 1
  if [[ $lines[2] == *$'\\t'* ]]; then compadd -l -d shown -a -- found; else compadd -a -- found; fi
}
if [[ $funcstack[1] == _ccxri ]]; then _ccxri "$@"; else compdef _ccxri ccxri; fi
`;

const FISH = `# fish completion for ccxri
function __ccxri_complete
    set -l current (commandline -ct)
    set -l before (commandline -opc)
    set -e before[1]
    set -l lines (command ccxri __complete fish $before "$current" 2>/dev/null)
    switch "$lines[1]"
        case files dirs
            set -l assigned (string match -r -- '^--[^=]+=' "$current")
            set -l path (string replace -r -- '^--[^=]+=' '' "$current")
            set -l finder __fish_complete_path
            test "$lines[1]" = dirs; and set finder __fish_complete_directories
            for each in ($finder "$path" '')
                echo "$assigned$each"
            end
        case '*'
            set -q lines[2]; and printf '%s\\n' $lines[2..-1]
    end
end
complete -c ccxri -f -a '(__ccxri_complete)'
`;

/** The word at the cursor goes behind a "=": Windows PowerShell passes no empty word on. */
const POWERSHELL = `# PowerShell completion for ccxri
Register-ArgumentCompleter -Native -CommandName ccxri -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements |
    Select-Object -Skip 1 |
    Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
    ForEach-Object { $_.Extent.Text.Trim("'", '"') })
  $lines = @(ccxri __complete powershell @words "=$wordToComplete" 2>$null)
  $lines | Select-Object -Skip 1 | ForEach-Object {
    $word, $help = $_ -split "\`t", 2
    if (-not $help) { $help = $word }
    [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $help)
  }
}
`;

export const COMPLETION_SCRIPTS: Readonly<Record<Shell, string>> = {
  bash: BASH,
  zsh: ZSH,
  fish: FISH,
  powershell: POWERSHELL,
};
