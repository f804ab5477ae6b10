"""``ionpath completion``: a few lines of shell that complete commands, options and files, with nothing to install."""

from __future__ import annotations

from ionpath_cli.options import parser

EXAMPLE = """
  ionpath completion bash >> ~/.bashrc
  ionpath completion zsh >> ~/.zshrc
"""
SCRIPT = """\
_ionpath() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} options=
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{commands} --help --version" -- "$word"))
    return
  fi
  case ${{COMP_WORDS[1]}} in
{cases}
  esac
  case $word in
    -*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}}
complete -o filenames -F _ionpath ionpath
"""


def main(argv: list[str]) -> int:
    """Run ``ionpath completion``."""
    arguments = parser("completion", "Print what completes commands and options in a shell.", EXAMPLE)
    arguments.add_argument("shell", choices=("bash", "zsh"))
    shell = arguments.parse_args(argv).shell
    print(script(shell), end="")
    return 0


def script(shell: str) -> str:
    """Text for the start-up file of a shell; zsh takes that of bash."""
    from ionpath_cli.cli import COMMANDS, options_of

    cases = []
    for name in COMMANDS:
        if options := sorted(options_of(name, [])):
            cases.append(f'    {name}) options="{" ".join(options)}" ;;')
    text = SCRIPT.format(commands=" ".join(COMMANDS), cases="\n".join(cases))
    return f"autoload -U +X bashcompinit && bashcompinit\n{text}" if shell == "zsh" else text
